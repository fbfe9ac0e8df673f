package programs

var databases = []program{
	{
		name: "sqlite3", packages: "sqlite3", needs: []string{"sqlite3"}, quick: true,
		script: `sqlite3 data.db 'pragma journal_mode=wal; create table t (name text, amount int);' '.mode csv' ".import --skip 1 $1/table.csv t" >said; sqlite3 data.db 'select "sum", sum(amount) from t' >made`,
		want:   `sum\|42`, makes: "a data base with a table, and a sum over it",
	}, {
		name: "psql", packages: "postgresql postgresql-client", needs: []string{"psql", "/usr/lib/postgresql/*/bin/postgres"}, ten: true,
		serve: postgres, grant: "unix {}; env PGHOST={}", says: `"unix {}/.s.PGSQL.5432"`,
		script: `psql -h {} -U spool -d postgres -q -c 'create table a (name text, amount int)' -c '\copy a from '"$1"'/table.csv csv header'; psql -h {} -U spool -d postgres -Atc "select 'rows', count(*), sum(amount) from a" >made`,
		want:   `rows\|2\|42`, makes: "a table in a PostgreSQL, by its socket, and the sum of its rows",
	}, {
		name: "pg_dump", packages: "postgresql postgresql-client", needs: []string{"pg_dump", "psql", "/usr/lib/postgresql/*/bin/postgres"},
		serve: postgres, grant: "unix {}; env PGHOST={}", says: `"unix {}/.s.PGSQL.5432"`,
		script: `psql -h {} -U spool -d postgres -q -c 'create table b as select generate_series(1, 42) n'; pg_dump -h {} -U spool -t b postgres >made`,
		read:   `sed -n '/^COPY public.b/,/^\\\./p' MADE | grep -c '^[0-9]'`, want: `^42\n$`, makes: "a dump of 42 rows, by the socket",
	}, {
		name: "mysql", packages: "mariadb-server mariadb-client", needs: []string{"mysql", "mysqldump", "mariadbd", "mariadb-install-db"},
		serve: mariadb, grant: "unix {}", says: `"unix {}/sock"`,
		script: `mysql -S {}/sock -u root -e 'create database d; create table d.t (amount int); insert into d.t values (40), (2)'; mysql -S {}/sock -u root -Ne "select 'sum', sum(amount) from d.t" >made; mysqldump -S {}/sock -u root d >>made`,
		want:   `(?s)sum\t42.*INSERT INTO .t. VALUES\s+\(40\),\s+\(2\)`, makes: "a table in a MariaDB, by its socket, its sum and its dump",
	}, {
		name: "redis-cli", packages: "redis-server", needs: []string{"redis-cli", "redis-server"},
		serve: redis, script: `for n in 40 2; do redis-cli -p {} incrby sum "$n"; done; redis-cli -p {} get sum >made`,
		want: `^42\n$`, makes: "a sum in a Redis on this host",
	},
}
