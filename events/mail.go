package events

import "strings"

// MailDomains are the domains that e-mail about runs may go to; empty are all.
// "example.com" is that domain alone, ".example.com" every domain below it.
type MailDomains []string

// ParseMailDomains reads the value of a flag.
func ParseMailDomains(flag string, texts []string) (MailDomains, error) {
	var d MailDomains
	for _, s := range texts {
		name := strings.ToLower(strings.TrimSpace(s))
		if name == "" || strings.Trim(name, ".") == "" || strings.ContainsAny(name, " @/:*\"<>,") {
			return nil, Faultf(Invalid, flag, "%q is not a domain like example.com (.example.com for every domain below it)", s)
		}
		d = append(d, name)
	}
	return d, nil
}

// Allows reports whether e-mail may go to an address.
func (d MailDomains) Allows(address string) bool {
	if len(d) == 0 {
		return true
	}
	domain := strings.ToLower(address[strings.LastIndexByte(address, '@')+1:])
	for _, name := range d {
		if domain == name || name[0] == '.' && strings.HasSuffix(domain, name) {
			return true
		}
	}
	return false
}

// Check names the first address in a field that e-mail may not go to.
func (d MailDomains) Check(field string, addresses []string) error {
	for _, a := range addresses {
		if !d.Allows(a) {
			return Faultf(Invalid, field, "%q is outside the domains that e-mail may go to: %s", a, strings.Join(d, ", "))
		}
	}
	return nil
}
