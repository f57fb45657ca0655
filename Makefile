EXTENSION  = quotetier
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)

# Whole jobs: each works in a temporary folder, with a server of its own, and
# installs the packages that are missing. PGXS is not needed for them, and has a
# check target, too: it stays out when nothing else is asked for.
.DEFAULT_GOAL = all
JOBS = check check-slow demo bench lint

.PHONY: $(JOBS) dist
dist:
	git archive --prefix=$(EXTENSION)-$(EXTVERSION)/ -o $(EXTENSION)-$(EXTVERSION).zip HEAD

ifneq ($(filter $(JOBS),$(MAKECMDGOALS)),)

$(JOBS):
	@scripts/$@

$(filter-out $(JOBS) dist,$(MAKECMDGOALS)):
	@$(MAKE) --no-print-directory $@

else

MODULE_big    = $(EXTENSION)
OBJS          = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
LOCAL_HEADERS = $(wildcard src/*.h src/*/*.h)
SHLIB_EXPORTS = exports.txt
INSTALL_SQL   = $(sort $(wildcard sql/install/*.sql))

DATA        = $(wildcard sql/updates/*.sql)
DATA_built  = $(EXTENSION)--$(EXTVERSION).sql
EXTRA_CLEAN = exports.txt exports.list $(EXTENSION)--*.sql $(EXTENSION)-*.zip results output_iso tmp_check regression.diffs regression.out

LOAD           = --load-extension=btree_gist --load-extension=$(EXTENSION)
REGRESS        = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS   = --inputdir=test $(LOAD)
ISOLATION      = $(sort $(patsubst test/isolation/specs/%.spec,%,$(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation $(LOAD)

PG_CONFIG  ?= pg_config
PG_CPPFLAGS = -I$(srcdir)/src -DQUOTETIER_VERSION='"$(EXTVERSION)"'
# Calls within the library are direct, and may be inlined: nobody puts other functions in the place of ours.
PG_CFLAGS   = -O3 -fno-semantic-interposition -fno-plt -fomit-frame-pointer -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

PGXS := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error $(PG_CONFIG) does not run. Install postgresql-server-dev-15, or pass PG_CONFIG=/path/to/pg_config)
endif
include $(PGXS)

$(OBJS): $(LOCAL_HEADERS) Makefile

# Other libraries in the server must see no name of ours but what SQL calls.
exports.txt: $(OBJS)
	{ printf '%s 1\n' Pg_magic_func _PG_init; sed -n 's/^PG_FUNCTION_INFO_V1(\(.*\));/\1 1\npg_finfo_\1 1/p' $(OBJS:.o=.c); } > $@

$(DATA_built): $(INSTALL_SQL) $(EXTENSION).control
	cat $(INSTALL_SQL) > $@

endif
