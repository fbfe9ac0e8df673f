# Adds up by package what go tool nm -size lists, without what takes no room in the file; in kB.
$3 ~ /[uUbB]/ || $4 == "crypto/internal/fips140/drbg.memory" { next }
{
	name = $4
	sub(/\[.*/, "", name) # of type parameters
	if (name ~ /^(go|type):/) {
		sub(/[.].*/, "", name)
	} else {
		path = ""
		if (match(name, /.*\//)) {
			path = substr(name, 1, RLENGTH)
			name = substr(name, RLENGTH + 1)
		}
		sub(/[.].*/, "", name)
		name = path name
	}
	size[name] += $2
}
END { for (name in size) printf "%6d kB %s\n", size[name] / 1000, name }
