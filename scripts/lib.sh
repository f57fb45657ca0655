# Shared by the jobs in this folder: find or install what is needed, then build
# the tree and run a server in a temporary folder that is gone afterwards.
#
#   need CAPABILITY...   install missing packages, or say which and stop
#   workplace            make $work with a copy of the tree and of the server
#   build                compile and install, into that copy of the server
#   start_server LINE... a throwaway cluster, on a Unix socket in $work only
#   run COMMAND...       run as the unprivileged user, in the foreground
#
# The server's programs are copied (60 MB) so that neither the system's
# PostgreSQL nor another run is touched, and so that only packages need root.

set -euo pipefail
set -m					# each job is a process group: all of it can be stopped
export LC_ALL=C.UTF-8 PGCLIENTENCODING=UTF8 PGDATABASE=postgres

pg_config=
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
major=15
job=
work=
keep=

say()  { printf '\n\033[1m== %s\033[0m\n' "$*"; }
fail() { printf '%s: %s\n' "$(basename "$0")" "$*" >&2; exit 1; }
[ -t 1 ] || say() { printf '\n== %s\n' "$*"; }

# ---------------------------------------------------------------------------
# What is needed
# ---------------------------------------------------------------------------

# Sets pg_config: PG_CONFIG if given, else Debian's of our major version.
find_pg() {
	pg_config=${PG_CONFIG:-/usr/lib/postgresql/$major/bin/pg_config}
	"$pg_config" --bindir >/dev/null 2>&1
}

pg() { "$pg_config" "--$1"; }

# Debian's name of the package that a capability lacks; nothing when it is there.
lacks() {
	case $1 in
		server)	# a minor older than 15.20 lays composite values out differently
			{ find_pg && [ -x "$(pg bindir)/initdb" ] &&
				"$(pg bindir)/postgres" --version |
				awk -v major=$major '{ split($3, v, "."); exit !(v[1] > major || v[1] == major && v[2] >= 20) }'
			} || echo postgresql-$major ;;
		headers) { find_pg && [ -e "$(pg includedir-server)/postgres.h" ] && [ -e "$(pg pgxs)" ]; } ||
				echo postgresql-server-dev-$major ;;
		gcc | make | gdb) command -v "$1" >/dev/null || echo "$1" ;;
		libc)	[ -e /usr/include/stdlib.h ] || echo libc6-dev ;;
		pgtap)	{ find_pg && [ -e "$(pg sharedir)/extension/pgtap.control" ]; } || echo postgresql-$major-pgtap ;;
		pg_prove) command -v pg_prove >/dev/null || echo libtap-parser-sourcehandler-pgtap-perl ;;
		prove)	command -v prove >/dev/null || echo perl ;;
		ipc_run) perl -MIPC::Run -e 1 2>/dev/null || echo libipc-run-perl ;;
		*)		fail "unknown capability $1" ;;
	esac
}

missing() { for capability; do lacks "$capability"; done | tr '\n' ' '; }

need() {
	local packages log admin=()
	find_pg || true
	packages=$(missing "$@")
	[ -n "$packages" ] || return 0

	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; } ||
			fail "these packages are missing, and I may not install them (neither root nor sudo): $packages"
		admin=(sudo)
	fi
	command -v apt-get >/dev/null ||
		fail "these packages are missing, and there is no apt-get here to install them: $packages(or set PG_CONFIG)"

	say "installing $packages"
	log=$({ "${admin[@]}" apt-get update -qq || true; "${admin[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $packages; } 2>&1) ||
		{ tail -n 20 <<<"$log"; fail "apt-get could not install: $packages"; }
	find_pg || true
	packages=$(missing "$@")
	[ -z "$packages" ] || fail "installed, but still not usable: $packages"
}

# ---------------------------------------------------------------------------
# The temporary folder, and who works in it
# ---------------------------------------------------------------------------

# Server programs refuse root, so as root everything runs as user postgres.
as_runner=()
runner() {
	[ "$(id -u)" = 0 ] || return 0
	id postgres >/dev/null 2>&1 || fail "there is no user postgres to run the server as"
	as_runner=(setpriv --reuid=postgres --regid=postgres --init-groups env "HOME=$work")
}

run() {
	local status=0
	"${as_runner[@]}" "$@" </dev/null &
	job=$!
	wait "$job" || status=$?
	job=
	return $status
}

cleanup() {
	local pid_file
	trap '' INT TERM HUP
	[ -z "$job" ] || kill -TERM -- "-$job" 2>/dev/null || true
	if [ -n "$work" ] && [ -n "$keep" ]; then
		say "kept"
		cat <<-HOW
			connect:  psql -h $PGHOST -p $PGPORT -U $PGUSER -d $PGDATABASE
			stop:     kill -INT \$(head -n 1 $work/cluster/postmaster.pid); sleep 2; rm -rf $work
		HOW
	elif [ -n "$work" ]; then
		while read -r pid_file; do
			stop_postmaster "$pid_file"
		done < <(find "$work" -name postmaster.pid 2>/dev/null)
		rm -rf "$work"
	fi
}

stop_postmaster() {
	local pid tries=0
	pid=$(head -n 1 "$1" 2>/dev/null) || return 0
	kill -QUIT "$pid" 2>/dev/null || return 0
	while kill -0 "$pid" 2>/dev/null && [ $((tries += 1)) -lt 100 ]; do sleep 0.1; done
}

workplace() {
	local dir data
	trap cleanup EXIT
	trap 'keep=; exit 130' INT
	trap 'keep=; exit 143' TERM HUP
	work=$(mktemp -d "${TMPDIR:-/tmp}/quotetier.XXXXXX")
	[ ${#work} -lt 80 ] || fail "$work is too long for a socket's path: set TMPDIR to a shorter one"
	mkdir "$work/tree" "$work/pg"
	tar -C "$root" --exclude-vcs --exclude='*.o' --exclude='*.so' --exclude='*.bc' -cf - . | tar -C "$work/tree" -xf -
	for dir in bindir sharedir pkglibdir; do
		mkdir -p "$work/pg$(dirname "$(pg $dir)")"
		cp -R "$(pg $dir)" "$work/pg$(dirname "$(pg $dir)")"
	done
	mkdir -p "$work/pg$(dirname "$(pg includedir)")"
	ln -s "$(pg includedir)" "$work/pg$(pg includedir)"

	# Test data beside the project, where that user can read it.
	data=$(cd "$root" && realpath -m "${QUOTETIER_DATA:-../shared/data}")
	runner
	if [ -d "$data" ] && ! run test -x "$data"; then
		cp -R "$data" "$work/data"
		data=$work/data
	fi
	[ "$(id -u)" != 0 ] || chown -R postgres: "$work"
	cd "$work/tree"
	export QUOTETIER_DATA=$data
	export PG_CONFIG=$work/pg$pg_config
	export PATH=$work/pg$(pg bindir):$PATH
	unset PGSERVICE PGOPTIONS PGPASSWORD PGSSLMODE MAKEFLAGS MAKELEVEL MFLAGS
}

# ---------------------------------------------------------------------------
# Build and server
# ---------------------------------------------------------------------------

build() {
	say "building against $("$PG_CONFIG" --version)"
	{ run make -s -j"$(nproc)" with_llvm=no "$@" all && run make -s with_llvm=no "$@" install; } >"$work/build.log" 2>&1 ||
		{ cat "$work/build.log"; fail "it does not build"; }
	grep -B 1 -A 4 'warning:' "$work/build.log" || true
}

start_server() {		# further lines for postgresql.conf, if any
	export PGHOST=$work PGPORT=54329 PGUSER=postgres
	run initdb -D "$work/cluster" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$work/initdb.log" 2>&1 ||
		{ cat "$work/initdb.log"; fail "initdb failed"; }
	cat >>"$work/cluster/postgresql.conf" <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$work'
		port = $PGPORT
		fsync = off
		jit = off
		timezone = 'UTC'
	CONF
	[ $# = 0 ] || printf '%s\n' "$@" >>"$work/cluster/postgresql.conf"
	keep=${KEEP:-}			# KEEP=1 leaves the server up at the end
	run pg_ctl -D "$work/cluster" -l "$work/server.log" -w -s start ||
		{ cat "$work/server.log"; fail "the server does not start"; }
}
