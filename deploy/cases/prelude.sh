# The cases source this file. Each tries a fault that people reported of another program, against a real spool:
# BIN=/path/to/spool bash case-NN.sh exits with 1 if the fault is there, 0 if not, 2 if it cannot be tried here.
BIN=${BIN:?set BIN to the spool program}; PORT=${PORT:-21400}
W=$(mktemp -d /tmp/spool-case.XXXXXX); A=http://127.0.0.1:$PORT/api
trap '[ -n "$P" ] && kill $P 2>/dev/null; wait $P 2>/dev/null; mountpoint -q $W/data && umount $W/data; mountpoint -q $W/drive && umount $W/drive; rm -rf "$W"' EXIT
mkdir -p $W/drive/in
printf '#!/bin/sh\nfor f in "$1"/*; do wc -c <"$f" >"$2/$(basename "$f").n"; done\n' >$W/drive/flow.ibflowbin; chmod +x $W/drive/flow.ibflowbin
serve() { $BIN serve --data $W/data --listen 127.0.0.1:$PORT --drive "admin/repo/fs/D=$W/drive" "$@" >>$W/log 2>&1 & P=$!
  for i in $(seq 300); do curl -sf http://127.0.0.1:$PORT/readyz | grep -q '"ready":true' && break; sleep .1; done; T=$(cat $W/data/admin.token); }
down() { kill ${1:--TERM} $P; wait $P 2>/dev/null; P=; }
call() { curl -s -m 20 -X "$1" -H "Authorization: Bearer $T" $A$2 ${3:+--data-binary "$3"}; }
# auto NAME DIR WATCH SETTINGS: a job in automatic mode; prints its id
auto() { mkdir -p $W/drive/$2; call POST /v2/jobs '{"name":"'$1'","flow_parameters":{"auth_token":"a","binary_path":"admin/repo/fs/D/'${FLOW:-flow.ibflowbin}'","input_dir":"admin/repo/fs/D/'$2'","settings":{"spooled_mode":true'"$4"'}},"spool":{"watch":{'"$3"'}}}' | grep -o '"job_id":"[^"]*"' | head -1 | cut -d'"' -f4; }
# cronjob NAME BINARY SETTINGS: a job of the clock that never fires by itself; prints its id
cronjob() { call POST /v2/jobs '{"name":"'$1'","schedule":"0 0 1 1 *","flow_parameters":{"auth_token":"a","binary_path":"admin/repo/fs/D/'$2'","input_dir":"admin/repo/fs/D/in","settings":{'"$3"'}}}' | grep -o '"job_id":"[^"]*"' | head -1 | cut -d'"' -f4; }
results() { call GET "/v2/jobs/$1/results?limit=${2:-200}"; }
count() { results $1 1000 | grep -o '"trigger_id":"[^"]*"' | sort -u | wc -l; }
live() { for i in $(seq 60); do call GET /v2/jobs/$1 | grep -q '"state":"live"' && return; sleep .1; done; }
verdict() { if [ "$1" = 0 ]; then echo "as expected"; exit 0; else echo "REPRODUCED: $2"; exit 1; fi; }
