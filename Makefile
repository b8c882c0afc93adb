# A table of contents: each target is a script in tests/tools, which sets up what it needs, once.
# What they make is below ${PODMAN_FLEET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/podman_fleet}.

T := tests/tools
export INVENTORY REPORTS KEEP REPORT OLDER FORMATS
.DEFAULT_GOAL := help

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup:  ## the environments for users and for development
	@$(T)/setup user dev

demo:  ## real kills on three virtual machines, and what the audit says (KEEP=1 leaves them running)
	@$(T)/demo $(ARGS)

audit:  ## audit INVENTORY=… (default: this machine) into REPORTS=… with ARGS='more ansible-playbook arguments'
	@$(T)/audit $(ARGS)

render:  ## show REPORT=… (default: the latest) again, and write FORMATS=html,csv,… beside it
	@$(T)/render $(ARGS)

compare:  ## what changed from OLDER=… (default: the one before) to REPORT=… (default: the latest)
	@$(T)/compare $(ARGS)

test:  ## everything below up to test-integration
	@$(T)/test

test-unit:  ## the code's functions (a minute; ARGS='-k name')
	@$(T)/unit $(ARGS)

test-playbooks:  ## the playbooks and roles as ansible-playbook and ansible-runner run them (minutes; no other host)
	@$(T)/playbooks $(ARGS)

test-metrics:  ## metrics, alerts and dashboard with promtool and a real node_exporter
	@$(T)/metrics $(ARGS)

test-report:  ## the report's formats, and its page in Chromium (a minute)
	@$(T)/report $(ARGS)

lint:  ## ruff, mypy, links, ansible-lint, yamllint, antsibull-docs, antsibull-changelog, galaxy-importer, vermin, shellcheck
	@$(T)/lint

sanity:  ## ansible-test sanity and its integration targets, and the code for managed hosts on Python 3.6
	@$(T)/sanity

test-controllers:  ## unit tests, playbooks and an audit with ansible-core 2.16, 2.19 and 2.21
	@$(T)/controllers

test-integration:  ## tests on virtual machines (ARGS='-k name')
	@$(T)/integration $(ARGS)

test-scale:  ## many simulated hosts: some broken, and slices of them (no virtual machine)
	@$(T)/scale $(ARGS)

bench:  ## what it costs, as ratios, all of it (an hour) or ARGS='audit --hosts 50'; see docs/docsite/rst/performance.rst
	@$(T)/bench $(ARGS)

fleet-up:  ## start the virtual machines
	@$(T)/fleet up $(ARGS)

fleet-down:  ## stop them
	@$(T)/fleet down $(ARGS)

fleet-ssh:  ## a shell on one of them: HOST=…
	@$(T)/fleet ssh $(HOST)

clean:  ## remove what tools left in the working tree
	@$(T)/clean

.PHONY: help setup demo audit render compare test test-unit test-playbooks test-report test-metrics lint sanity test-controllers test-integration test-scale bench fleet-up fleet-down fleet-ssh clean
