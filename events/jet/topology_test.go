package jet

import "testing"

// The shares of the streams leave a fifth of any store free, so that results
// can be stored when the queues are full.
func TestSharesLeaveRoom(t *testing.T) {
	for _, store := range []int64{32 << 20, 1 << 30, FullStore, 1 << 40} {
		top := Topology{Store: store}
		sum := int64(0)
		for _, cfg := range top.streams() {
			if boundOf(cfg) < 1<<20 {
				t.Errorf("store of %d bytes: %s gets %d", store, cfg.Name, boundOf(cfg))
			}
			sum += boundOf(cfg)
		}
		if limit := min(store, FullStore) / 100 * 81; sum > limit {
			t.Errorf("of a store of %d bytes the streams take %d: more than 80 %%", store, sum)
		}
	}
}
