EXTENSION  = quotetier
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)

MODULE_big = $(EXTENSION)
OBJS       = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c src/*/*.c)))
LOCAL_HEADERS = $(wildcard src/*.h src/*/*.h)
INSTALL_SQL = $(sort $(wildcard sql/install/*.sql))

DATA        = $(wildcard sql/updates/*.sql)
DATA_built  = $(EXTENSION)--$(EXTVERSION).sql
EXTRA_CLEAN = $(EXTENSION)--*.sql results output_iso tmp_check regression.diffs regression.out

REGRESS        = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS   = --inputdir=test --load-extension=btree_gist --load-extension=$(EXTENSION)
ISOLATION      = $(sort $(patsubst test/isolation/specs/%.spec,%,$(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=btree_gist --load-extension=$(EXTENSION)

PG_CONFIG  ?= pg_config
PG_CPPFLAGS = -I$(srcdir)/src -DQUOTETIER_VERSION='"$(EXTVERSION)"'
PG_CFLAGS   = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

# Without PostgreSQL's build files only the targets that install them can run.
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
ifneq ($(PGXS),)
include $(PGXS)

$(OBJS): $(LOCAL_HEADERS) Makefile

$(DATA_built): $(INSTALL_SQL) $(EXTENSION).control
	cat $(INSTALL_SQL) > $@
endif

.PHONY: check check-slow demo bench lint dist
check check-slow demo bench:
	@scripts/$@
