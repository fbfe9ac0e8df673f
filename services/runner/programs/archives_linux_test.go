package programs

import (
	"os"
	"path/filepath"
	"testing"
)

var archives = []program{
	{
		name: "restic", packages: "restic", needs: []string{"restic"}, ten: true,
		serve: backup, grant: "write {}", says: `"write {}"`,
		script: `export RESTIC_PASSWORD=word; restic -r {}/repo init; restic -r {}/repo backup "$1"; restic -r {}/repo check; restic -r {}/repo restore latest --target "$TMPDIR/r"; cat "$TMPDIR/r$1/table.csv" >made; restic -r {}/repo snapshots >>made`,
		want:   `(?s)ada,40.*1 snapshots`, makes: "a backup in a folder of the host, checked and restored",
	}, {
		name: "borg", packages: "borgbackup", needs: []string{"borg"},
		serve: backup, grant: "write {}", says: `{}/repo, which`,
		script: `borg init -e none {}/repo; (cd "$1"; borg create {}/repo::one .); borg check {}/repo; (cd "$TMPDIR"; borg extract {}/repo::one); cat "$TMPDIR/table.csv" >made; borg list {}/repo >>made`,
		want:   `(?s)ada,40.*one +`, makes: "the same",
	}, {
		name: "tar, zstd", packages: "tar zstd", needs: []string{"tar", "zstd"}, quick: true,
		script: `tar --zstd -cf made -C "$1" .; mkdir "$TMPDIR/x"; tar --zstd -xf made -C "$TMPDIR/x"; cmp "$1/table.csv" "$TMPDIR/x/table.csv"`,
		read:   "tar --zstd -tf MADE", want: `\./table\.csv`, makes: "an archive, unpacked again",
	}, {
		name: "gpg", packages: "gpg gpg-agent", needs: []string{"gpg", "gpg-agent"}, ten: true, script: `gpg --batch --quiet --passphrase "" --quick-gen-key ada@example.com ed25519 cert,sign never
id=$(gpg --list-keys --with-colons | awk -F: '/^fpr/ { print $10; exit }'); gpg --batch --passphrase "" --quick-add-key "$id" cv25519 encr never
gpg --batch --quiet --trust-model always -r ada@example.com -s -e -o "$TMPDIR/shut" "$1/table.csv"; ! grep -q ada, "$TMPDIR/shut"; gpg --batch -d -o made "$TMPDIR/shut" 2>said; grep -q "Good signature" said`,
		want: `ada,40`, makes: "a key, a file encrypted and signed with it, and opened again",
	}, {
		name: "7z", packages: "p7zip-full", needs: []string{"7z"},
		script: `7z a -bd -pword -mhe "$TMPDIR/made.7z" "$1"/table.* >said; mv "$TMPDIR/made.7z" made`,
		read:   "7z x -so -pword MADE", want: `ada,40`, makes: "an encrypted archive",
	}, {
		name: "zip, unzip", packages: "zip unzip", needs: []string{"zip", "unzip"},
		script: `(cd "$1"; zip -q -r "$TMPDIR/made.zip" .); mv "$TMPDIR/made.zip" made`,
		read:   "unzip -p MADE table.csv", want: `ada,40`, makes: "an archive",
	}, {
		name: "rclone", packages: "rclone", needs: []string{"rclone"},
		serve: backup, grant: "write {}", says: `"write {}"`,
		script: `rclone sync --checksum "$1" {}/copy; rclone check "$1" {}/copy; rclone lsf {}/copy >made`,
		want:   `table\.csv`, makes: "a copy in a folder of the host, compared",
	},
}

// backup makes a folder of the host that a profile is to grant.
func backup(t *testing.T) served { return served{value: hostFolder(t, "backup")} }

// hostFolder makes one that every user may enter, as it is with /srv.
func hostFolder(t *testing.T, name string) string {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "spool-programs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	folder := filepath.Join(dir, name)
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}
