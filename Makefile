# rasoat. `make` alone prints this help.
PY := .venv/bin/python
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
# through env: sudo would drop the variable, and a package that asks would wait for an answer
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get
# what `make test` talks to: real servers and tools, all from Debian
TEST_PACKAGES := openssh-server sudo iproute2 nftables chrony rsyslog rsyslog-gnutls rsyslog-openssl auditd chromium rpm debootstrap dnf zypper createrepo-c locales xz-utils lz4 snmpd snmp nmap age postgresql nginx-light systemd slapd ldap-utils libldap-dev libsasl2-dev gcc python3-dev
# what `make bench` measures against, and PostgreSQL
BENCH_PACKAGES := lynis openscap-scanner ssg-debian nmap iproute2 snmp openssh-server postgresql
# what `make dist` packs with, and the throwaway systems its check installs the Debian package in
RELEASE_PACKAGES := binutils xz-utils libpython3-dev debootstrap
DETACH ?=
KEY ?=
ONLY ?=
GUIDE ?=

# those of the given packages that are missing
define installed
missing=$$(for p in $(1); do dpkg-query -W -f '$${db:Status-Status}\n' $$p 2>/dev/null | grep -qx installed || echo $$p; done); \
if [ -n "$$missing" ]; then echo "installing:" $$missing; $(APT) update -qq && \
$(APT) install -yqq --no-install-recommends $$missing >/dev/null; fi
endef

.PHONY: help setup packages bench-packages release-packages demo demo-stop test hunt check format pages docs bench dist release audit clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

setup: .venv/.ready ## virtual environment with everything, in .venv

.venv/.ready: pyproject.toml constraints.txt scripts/build_hook.py $(wildcard */locale/*/LC_MESSAGES/*.po)
	@python3 -c 'import venv, ensurepip' 2>/dev/null || { echo "installing python3-venv"; $(APT) update -qq; $(APT) install -yqq python3-venv >/dev/null; }
	[ -x $(PY) ] || python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group dev --editable '.[all]'
	@touch $@

# python-ldap has no wheel and is built here, so `make setup` and `make check` do without it
.venv/.ldap: .venv/.ready | packages
	$(PY) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[ldap]'
	@touch $@

packages:
	@$(call installed,$(TEST_PACKAGES))

bench-packages:
	@$(call installed,$(BENCH_PACKAGES))

release-packages:
	@$(call installed,$(RELEASE_PACKAGES))

demo: setup ## collector, agent and a scan of this machine; prints verdicts, address and log-on (DETACH=1 returns)
	@DETACH=$(DETACH) sh scripts/demo.sh start

demo-stop: ## stop what `make demo DETACH=1` left running
	@sh scripts/demo.sh stop

test: setup packages .venv/.ldap ## the whole suite, real servers included
	$(SUDO) $(PY) -m pytest -n 2 --dist loadgroup

hunt: setup ## properties with new examples each time: what breaks becomes a test of its own
	$(PY) -m pytest -q -n 2 -m 'not root and not system' --hypothesis-profile hunt -k 'secret or redact or property or any or syntax or whatever'

check: ## format, lint, types, contracts, fast tests, pages: no network, no root
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m pytest -q -n 2 --ignore tests/server -m 'not root and not system and not deep' --hypothesis-profile quick
	$(PY) scripts/generate_pages.py --check

format: ## the one formatter
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

pages: ## docs made from code and data
	$(PY) scripts/generate_pages.py
	$(PY) -m baselines.ready

docs: setup ## the documentation as a site that needs no internet: site/index.html
	.venv/bin/mkdocs build --strict --quiet
	@echo "open site/index.html"

bench: setup bench-packages ## every speed, size and memory target beside its measured value; docs/benchmarks.md made of it (ONLY="startup wire": some; GUIDE=FILE: for OpenSCAP)
	$(PY) -m baselines.ready
	@$(SUDO) env $(if $(GUIDE),RASOAT_BENCH_GUIDE=$(abspath $(GUIDE))) $(PY) -m bench $(if $(ONLY),--only $(ONLY)); code=$$?; $(PY) scripts/generate_pages.py; exit $$code

dist: setup release-packages ## wheel, source archive, the agent as one file, as an archive and as a Debian package, into dist/; then each is installed and started (docs/release.md)
	$(PY) -m scripts.release.wheel
	$(PY) -m scripts.release.packed_agent
	$(PY) -m scripts.release.debian_package
	cp deploy/windows/*.ps1 dist/
	$(SUDO) $(PY) -m scripts.release.check

release: dist ## dist, its bills of materials, SHA256SUMS and their signature (KEY=FILE: the releaser's own key, never one in here)
	$(PY) -m scripts.release.sbom --look-up
	$(PY) -m scripts.release.sign $(if $(KEY),--key $(abspath $(KEY)))

audit: setup ## is anything known against the pinned versions (needs the internet: 3 when it could not look); their licences
	[ -x build/audit/bin/python ] || python3 -m venv build/audit
	build/audit/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	build/audit/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --group audit
	$(PY) -m scripts.release.audit --pip-audit build/audit/bin/pip-audit

clean: demo-stop ## remove what the targets made
	rm -rf .venv dist build site .demo .pytest_cache .mypy_cache .ruff_cache
