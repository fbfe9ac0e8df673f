# Reads a profile of go test -coverprofile and prints, for each package, which part of its
# statements its own tests have run. What a test starts as a process of its own, as those of
# services/cmd/spool do, is not counted.
FNR > 1 {
	package = $1
	sub(/^spool\.internal\//, "", package)
	sub(/\/[^\/]*$/, "", package)
	all[package] += $2; total += $2
	if ($3 > 0) { run[package] += $2; ran += $2 }
}
END {
	if (!total) exit
	print "\nStatements that the tests of each package have run:"; fflush()
	for (package in all) printf "%5.1f %%  %s\n", 100 * run[package] / all[package], package | "sort -k3"
	close("sort -k3")
	printf "%5.1f %%  in total\n", 100 * ran / total
}
