package runner

import (
	"os"
	"path/filepath"
	"strings"
)

// public are files and folders outside of /usr that programs cannot do without, as
// patterns: what distributions install for everybody to read, and nobody keeps
// secrets in. What may hold passwords (gitconfig, npmrc, pip.conf, wgetrc, mysql,
// php.ini, Maven's settings, LibreOffice's registry of LDAP oo-*, …) is not among them.
const public = `
	/etc/ld.so.cache /etc/passwd /etc/group /etc/hosts /etc/resolv.conf /etc/nsswitch.conf /etc/host.conf /etc/gai.conf
	/etc/protocols /etc/services /etc/rpc /etc/networks /etc/ca-certificates /etc/pki/tls/certs /etc/pki/ca-trust/extracted
	/etc/alternatives /etc/os-release /etc/lsb-release /etc/debian_version
	/etc/localtime /etc/timezone /etc/locale.alias /etc/locale.conf /etc/default/locale
	/etc/fonts /var/cache/fontconfig /etc/mime.types /etc/mailcap /etc/magic /etc/magic.mime /etc/papersize /etc/paperspecs /etc/terminfo
	/etc/ImageMagick-* /etc/ghostscript /var/lib/ghostscript /etc/java-* /etc/java /etc/maven/m2.conf /etc/maven/logging /etc/python3* /etc/perl /etc/R /etc/php/*/cli/conf.d /etc/php/*/mods-available /etc/texmf /var/lib/texmf /etc/xml /etc/sgml /etc/groff /etc/X11/rgb.txt
	/etc/chromium/master_preferences /etc/chromium.d/default-flags /etc/chromium.d/dev-shm /etc/chromium.d/extensions
	/etc/libreoffice/psprint.conf /etc/libreoffice/sofficerc /etc/libreoffice/soffice.sh /etc/libreoffice/registry/[^o]* /etc/libreoffice/registry/o[^o]* /var/lib/libreoffice /var/spool/libreoffice`

// publicFiles are those that this host has, and /etc/ssl but for its private keys.
func publicFiles() (all []string) {
	for pattern := range strings.FieldsSeq(public) {
		found, _ := filepath.Glob(pattern) // the patterns are good ones
		all = append(all, found...)
	}
	ssl, _ := os.ReadDir("/etc/ssl") // where there is none there is nothing to read
	for _, e := range ssl {
		if e.Name() != "private" { // keys, not certificates
			all = append(all, "/etc/ssl/"+e.Name())
		}
	}
	return all
}
