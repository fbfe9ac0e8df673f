#!/bin/bash
# A pattern of watch.ignore with a slash, ** or {a,b} matches what it says, and one that can never match is refused (like paperless-ngx/paperless-ngx#2670)
. "$(dirname "$0")/prelude.sh"
serve; bad=0; cat=$W/drive/cat; printf '#!/bin/sh\n' >$cat; chmod +x $cat
# t PATTERN RUN…: with this pattern these files run, of all that are dropped, and no others
t() { p=$1; shift; rm -rf $W/drive/in; mkdir $W/drive/in; id=$(FLOW=cat auto x in '"recursive":true,"ignore":["'"$p"'"]'); [ -z "$id" ] && { echo "[$p] refused"; bad=1; return; }
 live $id; mkdir -p $W/drive/in/{@eaDir,sub/@eaDir,deep/sub}; for f in a.csv a.xml a.txt @eaDir/t.jpg sub/@eaDir/t.jpg sub/b.csv sub/b.txt deep/sub/c.csv; do echo $f >$W/drive/in/$f; done
 for i in $(seq 150); do ran=$(results $id | grep -o '"path":"[^"]*"' | cut -d'"' -f4 | sort -u | xargs); [ "$ran" = "$(printf '%s\n' "$@" | sort | xargs)" ] && break; sleep .2; done; sleep 1
 ran=$(results $id | grep -o '"path":"[^"]*"' | cut -d'"' -f4 | sort -u | xargs); echo "[$p] ran: $ran"; [ "$ran" = "$(printf '%s\n' "$@" | sort | xargs)" ] || bad=1; call DELETE /v2/jobs/$id >/dev/null; }
t '@eaDir/*' a.csv a.txt a.xml deep/sub/c.csv sub/b.csv sub/b.txt
t '**/@eaDir/**' a.csv a.txt a.xml deep/sub/c.csv sub/b.csv sub/b.txt
t 'sub/*.csv' a.csv a.txt a.xml deep/sub/c.csv sub/b.txt
t '*.{csv,xml}' a.txt sub/b.txt
for p in '' '/sub/*' '[a'; do id=$(auto x in '"recursive":true,"ignore":["'"$p"'"]'); [ -z "$id" ] && echo "[$p] refused" || { echo "[$p] accepted"; bad=1; }; done
verdict $bad "a pattern that is taken does not match what it says, or one that can never match is taken"
