package events_test

import (
	"testing"

	"spool.internal/events"
	"spool.internal/events/seal"
)

// What a listing adds for each job that has a webhook.
func BenchmarkVisible(b *testing.B) {
	key, err := seal.ParseShared(seal.NewShared())
	if err != nil {
		b.Fatal(err)
	}
	sealed := func(string, string) (string, error) { return "", nil }
	o, err := events.ParseObject([]byte(`{"name":"Daily Job","schedule":"30 2 * * *","flow_parameters":{"auth_token":"t","binary_path":"a/b/fs/D/f",` +
		`"input_dir":"a/b/fs/D/in","settings":{"tags":["x"],"notification_emails":"a@b.c","webhook_config":{"url":"https://example.com/webhook","headers":{"A":"b"}}}}}`))
	if err != nil {
		b.Fatal(err)
	}
	old := events.Job{ID: "j", Parameters: events.Encode(o)}
	now := events.Job{ID: "j", Webhook: &events.JobWebhook{
		URL: "https://example.com", Shown: key.Close(`"https://example.com/webhook"`, "j", events.WebhookURLPointer),
	}}
	if now.Parameters, _, err = events.Conceal(o, sealed); err != nil {
		b.Fatal(err)
	}
	for name, j := range map[string]events.Job{"sealed": now, "of before": old} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				j.Visible(key.Open)
			}
		})
	}
}
