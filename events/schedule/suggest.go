package schedule

import (
	_ "embed" // zones.txt
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode"

	"spool.internal/events/spelling"
)

// zones.txt has every name of the built-in database; a test compares them.
//
//go:embed zones.txt
var zoneText string

var zoneNames = sync.OnceValue(func() []string { return strings.Fields(zoneText) })

// Zones are the names of all time zones, for who chooses one.
func Zones() []string { return slices.Clone(zoneNames()) }

// fixedZones are names that stand still all year, with a city where people who
// write them mostly live.
var fixedZones = map[string]string{"EST": "America/New_York", "MST": "America/Denver", "HST": "Pacific/Honolulu"}

// suggestZone finds the IANA name that somebody may have meant, or "".
func suggestZone(name string) string {
	if len(name) > 128 {
		return ""
	}
	for _, folder := range []string{"posix/", "right/"} { // of a host's database
		name = strings.TrimPrefix(name, folder)
	}
	plain := strings.ToLower(strings.Join(strings.Fields(name), "_"))
	letters := bare(name)
	for _, zone := range zoneNames() {
		if bare(zone) == letters {
			return zone
		}
	}
	if zone := fixedOffset(plain); zone != "" {
		return zone
	}
	if zone := otherName(name); zone != "" {
		return zone
	}
	for _, zone := range zoneNames() { // a city alone
		if region, city, ok := strings.Cut(zone, "/"); ok && slices.Contains(regions, region) && bare(city) == letters {
			return zone
		}
	}
	if len(plain) > 3 && len(plain) < 64 { // three letters are two edits from anything
		return spelling.Nearest(strings.Join(strings.Fields(name), "_"), zoneNames())
	}
	return ""
}

// regions are those whose zones are cities.
var regions = []string{"Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}

// bare is a name without what stands between its words, and without capitals.
func bare(name string) string {
	var b strings.Builder
	for i, c := range name {
		sign := c == '-' && i+1 < len(name) && name[i+1] >= '0' && name[i+1] <= '9'
		if sign || !strings.ContainsRune(" \t._-/\\", c) {
			b.WriteRune(unicode.ToLower(c))
		}
	}
	return b.String()
}

var otherBare = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for name, zone := range otherNames {
		all[bare(name)] = zone
	}
	return all
})

// otherName finds a zone by an abbreviation, or by what Windows calls it, summer
// time and what it shows included.
func otherName(name string) string {
	if zone := otherBare()[bare(name)]; zone != "" {
		return zone
	}
	shown, _, _ := strings.Cut(name, "(") // Pacific Time (US & Canada)
	return otherBare()[strings.Replace(bare(shown), "daylighttime", "standardtime", 1)]
}

// fixedOffset gives the zone for "UTC+2" or "GMT-5", whose sign the database turns round.
func fixedOffset(plain string) string {
	rest := plain
	for _, prefix := range []string{"utc", "gmt"} {
		rest = strings.TrimPrefix(rest, prefix)
	}
	if len(rest) < 2 || rest[0] != '+' && rest[0] != '-' {
		return ""
	}
	hours, minutes, _ := strings.Cut(rest[1:], ":")
	n, ok := number(hours)
	if strings.Trim(minutes, "0") != "" && ok && n < 15 {
		return partOfAnHour[rest]
	}
	if !ok || n == 0 || n > 14 || rest[0] == '-' && n > 12 {
		return ""
	}
	sign := map[byte]string{'+': "-", '-': "+"}[rest[0]]
	return fmt.Sprintf("Etc/GMT%s%d, which is UTC%c%d all year", sign, n, rest[0], n)
}

// partOfAnHour are cities at an offset of which the database has no zone by number.
var partOfAnHour = map[string]string{
	"+3:30": "Asia/Tehran", "+03:30": "Asia/Tehran", "+4:30": "Asia/Kabul", "+04:30": "Asia/Kabul", "+5:30": "Asia/Kolkata", "+05:30": "Asia/Kolkata",
	"+5:45": "Asia/Kathmandu", "+05:45": "Asia/Kathmandu", "+6:30": "Asia/Yangon", "+06:30": "Asia/Yangon", "+9:30": "Australia/Darwin", "+09:30": "Australia/Darwin",
	"-3:30": "America/St_Johns", "-03:30": "America/St_Johns",
}

// otherNames are abbreviations, and what Windows calls the zones that most of its
// users live in.
var otherNames = map[string]string{
	"z": "UTC", "gmt": "UTC", "greenwich mean time": "UTC", "coordinated universal time": "UTC",
	"pst": "America/Los_Angeles", "pdt": "America/Los_Angeles", "edt": "America/New_York", "cst": "America/Chicago",
	"cdt": "America/Chicago", "mdt": "America/Denver", "akst": "America/Anchorage", "akdt": "America/Anchorage",
	"bst": "Europe/London", "cest": "Europe/Berlin", "mez": "Europe/Berlin", "mesz": "Europe/Berlin", "eest": "Europe/Athens",
	"msk": "Europe/Moscow", "ist": "Asia/Kolkata", "jst": "Asia/Tokyo", "kst": "Asia/Seoul", "sgt": "Asia/Singapore",
	"hkt": "Asia/Hong_Kong", "aest": "Australia/Sydney", "aedt": "Australia/Sydney", "acst": "Australia/Adelaide",
	"awst": "Australia/Perth", "nzst": "Pacific/Auckland", "nzdt": "Pacific/Auckland", "brt": "America/Sao_Paulo", "art": "America/Argentina/Buenos_Aires",

	"eastern standard time": "America/New_York", "eastern time": "America/New_York",
	"central standard time": "America/Chicago", "central time": "America/Chicago",
	"mountain standard time": "America/Denver", "mountain time": "America/Denver", "us mountain standard time": "America/Phoenix",
	"pacific standard time": "America/Los_Angeles", "pacific time": "America/Los_Angeles",
	"alaskan standard time": "America/Anchorage", "hawaiian standard time": "Pacific/Honolulu",
	"atlantic standard time": "America/Halifax", "newfoundland standard time": "America/St_Johns",
	"central standard time (mexico)": "America/Mexico_City", "canada central standard time": "America/Regina",
	"sa pacific standard time": "America/Bogota", "venezuela standard time": "America/Caracas",
	"e. south america standard time": "America/Sao_Paulo", "argentina standard time": "America/Argentina/Buenos_Aires",
	"pacific sa standard time": "America/Santiago",
	"gmt standard time":        "Europe/London", "greenwich standard time": "Atlantic/Reykjavik",
	"w. europe standard time": "Europe/Berlin", "romance standard time": "Europe/Paris",
	"central europe standard time": "Europe/Budapest", "central european standard time": "Europe/Warsaw",
	"e. europe standard time": "Europe/Chisinau", "gtb standard time": "Europe/Bucharest", "fle standard time": "Europe/Kyiv",
	"russian standard time": "Europe/Moscow", "turkey standard time": "Europe/Istanbul",
	"israel standard time": "Asia/Jerusalem", "egypt standard time": "Africa/Cairo", "south africa standard time": "Africa/Johannesburg",
	"w. central africa standard time": "Africa/Lagos", "e. africa standard time": "Africa/Nairobi", "morocco standard time": "Africa/Casablanca",
	"arab standard time": "Asia/Riyadh", "arabian standard time": "Asia/Dubai", "iran standard time": "Asia/Tehran",
	"pakistan standard time": "Asia/Karachi", "india standard time": "Asia/Kolkata", "bangladesh standard time": "Asia/Dhaka",
	"se asia standard time": "Asia/Bangkok", "singapore standard time": "Asia/Singapore", "china standard time": "Asia/Shanghai",
	"taipei standard time": "Asia/Taipei", "tokyo standard time": "Asia/Tokyo", "korea standard time": "Asia/Seoul",
	"w. australia standard time": "Australia/Perth", "aus eastern standard time": "Australia/Sydney", "e. australia standard time": "Australia/Brisbane",
	"cen. australia standard time": "Australia/Adelaide", "new zealand standard time": "Pacific/Auckland",
}
