package jet

import "context"

// DeleteConsumer takes a queue's consumer away, as an administrator may.
func (b *Bus) DeleteConsumer(ctx context.Context, q Queue) error {
	return b.js.DeleteConsumer(ctx, q.Stream, q.Name)
}
