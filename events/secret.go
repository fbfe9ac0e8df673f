package events

// Mask is what anybody but the dispatcher sees of a secret.
const Mask = "********"

// Pointers of the secrets in a job's parameters.
const (
	TokenPointer      = "/flow_parameters/auth_token"
	WebhookURLPointer = "/flow_parameters/settings/webhook_config/url"
	NotifyURLPointer  = "/spool/notify/to/webhook"
	HeartbeatPointer  = "/spool/heartbeat"
	webhookHeaderPtr  = "/flow_parameters/settings/webhook_config/headers/"
	runSecretPtr      = "/spool/run/secrets/"
)

// URLPointers are the places of URLs that count as secrets.
var URLPointers = []string{WebhookURLPointer, NotifyURLPointer, HeartbeatPointer}

// MapSecrets gives the parameters with every secret replaced by what f makes
// of it: the gateway seals and masks, the dispatcher opens. The URLs at [URLPointers]
// count as secrets, see [PublicURL]. Values that are not
// strings are left for validation to refuse.
func MapSecrets(parameters Object, f func(pointer, value string) (string, error)) (Object, error) {
	parameters, err := descend(parameters, "spool", func(spool Object) (Object, error) {
		spool, err := mapNotify(spool, f)
		if err != nil {
			return nil, err
		}
		return mapRun(spool, f)
	})
	if err != nil {
		return nil, err
	}
	return descend(parameters, "flow_parameters", func(flow Object) (Object, error) {
		flow, err := replace(flow, "auth_token", TokenPointer, f)
		if err != nil {
			return nil, err
		}
		return descend(flow, "settings", func(settings Object) (Object, error) {
			return mapWebhook(settings, f)
		})
	})
}

func mapNotify(spool Object, f func(pointer, value string) (string, error)) (Object, error) {
	spool, err := replace(spool, "heartbeat", HeartbeatPointer, f)
	if err != nil {
		return nil, err
	}
	return descend(spool, "notify", func(notify Object) (Object, error) {
		return descend(notify, "to", func(to Object) (Object, error) {
			return replace(to, "webhook", NotifyURLPointer, f)
		})
	})
}

func mapWebhook(settings Object, f func(pointer, value string) (string, error)) (Object, error) {
	return descend(settings, "webhook_config", func(hook Object) (Object, error) {
		hook, err := replace(hook, "url", WebhookURLPointer, f)
		if err != nil {
			return nil, err
		}
		return descend(hook, "headers", func(headers Object) (Object, error) {
			for _, m := range headers {
				var err error
				if headers, err = replace(headers, m.Key, webhookHeaderPtr+m.Key, f); err != nil {
					return nil, err
				}
			}
			return headers, nil
		})
	})
}

// descend replaces the object under key by what f makes of it; anything else under key stays.
func descend(o Object, key string, f func(Object) (Object, error)) (Object, error) {
	raw, ok := o.Get(key)
	if !ok || raw[0] != '{' {
		return o, nil
	}
	inner, err := splitObject(raw, key)
	if err != nil {
		return nil, err
	}
	if inner, err = f(inner); err != nil {
		return nil, err
	}
	return o.Set(key, inner), nil
}

func replace(o Object, key, pointer string, f func(pointer, value string) (string, error)) (Object, error) {
	s, ok := stringValue(o, key)
	if !ok {
		return o, nil
	}
	changed, err := f(pointer, s)
	if err != nil || changed == s {
		return o, err // as it is spelled
	}
	return o.Set(key, changed), nil
}
