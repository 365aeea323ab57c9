# SPDX-License-Identifier: Apache-2.0
# Every target is one line over Scripts/. CI runs `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup build demo serve test check format soak bench docs screens

help:     ## this list
	@sed -n 's/^\([a-z]*\): *.*## */  make \1 — /p' Makefile

setup:    ## install what is missing (Debian packages, the DuckDB library); safe to run twice
	@Scripts/setup test

build:    ## the one binary, optimized: .build/release/hutong
	@Scripts/build

demo:     ## five nodes and the whole story on this machine; minutes the first time, seconds later
	@Scripts/demo

serve:    ## one node with its data in ./hutong-data
	@Scripts/build && .build/release/hutong serve

test:     ## set-up, build and every test
	@Scripts/test

check:    ## formatting and the house rules, without the other tests
	@Scripts/check

format:   ## write the house's formatting into the sources
	@swift format --in-place --parallel --recursive Sources Tests

soak:     ## the long forms of the fuzzers, crash and property tests
	@HUTONG_SOAK=1 Scripts/test

bench:    ## speed and size against peers, as ratios of one run
	@Scripts/bench

docs:     ## write docs/reference anew from the code
	@Scripts/docs

screens:  ## photograph every page in a real browser into .build/screens
	@Scripts/screens
