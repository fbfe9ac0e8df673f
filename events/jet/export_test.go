package jet

import "context"

// DeleteConsumer takes a queue's consumer away, as an administrator may.
func (b *Bus) DeleteConsumer(ctx context.Context, q Queue) error {
	return b.js.DeleteConsumer(ctx, q.Stream, q.Name)
}

// WriteProbe writes a probe, as [Bus] does when a stream refuses a message.
func (b *Bus) WriteProbe(stream string) error { return b.writeProbe(stream) }

// DeleteStream takes a stream away, as an administrator may.
func (b *Bus) DeleteStream(ctx context.Context, stream string) error {
	return b.js.DeleteStream(ctx, stream)
}

// Prices is prices.
var Prices = prices

// Stored is the result as its stream holds it.
func (r EncodedResult) Stored() Stored {
	return Stored{Data: r.m.Data, Header: r.m.wire().Header}
}
