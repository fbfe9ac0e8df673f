package programs

import (
	"bufio"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

var network = []program{
	{
		name: "rsync over ssh", packages: "rsync openssh-client openssh-server", needs: []string{"rsync", "ssh", "sshd", "ssh-keygen"}, ten: true,
		serve: sshd, grant: "read {}", says: `"read {}/config"`,
		script: `rsync -a -e "ssh -F {}/config" "$1/" "there:$SPOOL_OUTPUT_DIR/there/"; ssh -F {}/config there "cat $SPOOL_OUTPUT_DIR/there/table.csv" >made`,
		want:   `ada,40`, makes: "files copied to a host by its sshd, with a key of the profile's, and read there",
	}, {
		name: "curl", packages: "curl", needs: []string{"curl"}, quick: true,
		serve: web, script: `curl -fsS --cacert "$1/ca.pem" {}/table.csv -o made; curl -fsS --cacert "$1/ca.pem" -F file=@"$1/table.csv" {}/ >>made`,
		want: `(?s)ada,40.*POST of 25 bytes`, makes: "a download and an upload over HTTPS",
	}, {
		name: "wget", packages: "wget", needs: []string{"wget"},
		serve: web, script: `wget -q --ca-certificate="$1/ca.pem" -O made {}/table.csv`,
		want: `ada,40`, makes: "a download over HTTPS",
	}, {
		name: "git", packages: "git", needs: []string{"git"}, ten: true, quick: true,
		script: `export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.com GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.com
git init -q -b main work; cd work; cp "$1/table.csv" .; git add .; git commit -q -m "first table"; cd ..
git clone -q --bare work work.git; git clone -q work.git again; cd again; git mv table.csv data.csv; git commit -q -a -m "other name"; git push -q; git -C ../work.git gc -q; git -C ../work.git log --oneline --stat >../made`,
		want: `(?s)other name.*first table`, makes: "a repository, cloned, changed and pushed",
	}, {
		name: "msmtp", packages: "msmtp", needs: []string{"msmtp"},
		serve: mailbox, script: `printf 'Subject: Invoice 42\n\nPay soon.\n' | msmtp --host=127.0.0.1 --port={} --from=ada@example.com --logfile=made bob@example.com`,
		want: `recipients=bob@example.com.*smtpstatus=250`, makes: "a mail, taken by a server",
	}, {
		name: "docker", packages: "docker.io", needs: []string{"docker"}, denied: true,
		script: `docker ps`,
		want:   `docker\.sock, which the profile line "unix /(var/)?run/docker\.sock" would allow`, makes: "nothing: the message says which line would let it at the daemon, and with that at the host",
	},
}

// web starts a server and gives its address, and its certificate.
func web(t *testing.T) served {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			f, head, err := r.FormFile("file")
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			_ = f.Close()
			fmt.Fprintf(w, "POST of %d bytes\n", head.Size)
			return
		}
		fmt.Fprint(w, inputs[strings.TrimPrefix(r.URL.Path, "/")])
	}))
	t.Cleanup(s.Close)
	return served{s.URL, map[string]string{"ca.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))}}
}

// mailbox takes a mail as an SMTP server does, looks at it at the end of the test,
// and gives its port.
func mailbox(t *testing.T) served {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			got <- err.Error()
			return
		}
		got <- takeMail(c)
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		mail := <-got
		for _, want := range []string{"RCPT TO:<bob@example.com>", "Subject: Invoice 42", "Pay soon."} {
			if !strings.Contains(mail, want) {
				t.Errorf("the mail is %q, without %s", mail, want)
			}
		}
	})
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return served{value: port}
}

// takeMail speaks with a client until it goes, and gives what it has said.
func takeMail(c net.Conn) string {
	defer c.Close()
	var all strings.Builder
	in := bufio.NewScanner(c)
	fmt.Fprint(c, "220 here\r\n")
	data := false
	for in.Scan() {
		line := in.Text()
		all.WriteString(line + "\n")
		switch {
		case data && line != ".":
		case data:
			data = false
			fmt.Fprint(c, "250 taken\r\n")
		case strings.HasPrefix(line, "DATA"):
			data = true
			fmt.Fprint(c, "354 go on\r\n")
		case strings.HasPrefix(line, "QUIT"):
			fmt.Fprint(c, "221 bye\r\n")
			return all.String()
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
	return all.String()
}
