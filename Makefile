# Names the commands of the project; what they do is in the scripts and programs that they call.

# The build checks that every import is a declared dependency.
BUILD_FLAGS := --explicit-target-dependency-import-check error
RUN_TESTS := swift test $(BUILD_FLAGS) --skip-build --disable-xctest
BUILD_PACKAGES := libsqlite3-dev libpq-dev libssl-dev zlib1g-dev
REJOIN := .build/debug/rejoin

.PHONY: help demo test soak serve bench bench-core bench-device fuzz identity http2 abuse live stories check check-swiftui documentation format release footprint packages

help:
	@echo "make demo       build, and tell the story of three devices that go offline and come back"
	@echo "make test       build, and pass all tests"
	@echo "make soak       let every fault of a database come twenty times, and play 200 histories of devices; takes hours"
	@echo "make serve      build, and run the server in ./rejoin-data"
	@echo "make bench      measure the server beside what it stands on; BENCH='--quick h' for less (docs/benchmarks.md)"
	@echo "make bench-core measure the core and the wire alone"
	@echo "make bench-device measure the device's side beside plain SQLite"
	@echo "make fuzz       send requests generated from the OpenAPI document to a real server"
	@echo "make identity   run the server beside an OpenID provider: its tokens, its keys, its absence, and what only looks like it"
	@echo "make http2      have clients of HTTP/2 meet the server, honest ones and hostile ones"
	@echo "make abuse      run hostile clients beside an honest load for two minutes; ABUSE='--seconds 20 --database …'"
	@echo "make live       kill servers under 1,000 subscribers of live changes, and measure 10,000; LIVE='--no-figures …'"
	@echo "make stories    run the commands of docs/protocol.md, reviewing.md, tables.md and tls.md, and compare what they print"
	@echo "make check      format, imports, structure, and that the documents say what is true"
	@echo "make check-swiftui  build, and type-check the SwiftUI example against stubs, where there is no SwiftUI"
	@echo "make documentation  build, and make the libraries' documentation in .build/documentation"
	@echo "make format     format the sources in place"
	@echo "make release    one stripped binary with the Swift runtime inside, in .build/release"
	@echo "make footprint  measure start-up and idle memory of the release binary"

packages:
	@Scripts/install-debian-packages $(BUILD_PACKAGES)

demo: packages
	swift build $(BUILD_FLAGS) --product rejoin
	$(REJOIN) demo

serve: packages
	swift build $(BUILD_FLAGS) --product rejoin
	$(REJOIN) serve

test: packages
	@Scripts/install-debian-packages sqlite3 sqlite3-tools postgresql openssl chromium chromium-driver python3 python3-venv
	swift build $(BUILD_FLAGS) --build-tests
	# It leaves pictures of the pages.
	Scripts/run-tests $(RUN_TESTS)
	Tests/Identity/identity.sh $(REJOIN)
	Tests/HTTP2/http2.sh $(REJOIN)
	@echo "pictures of the reviewers' pages: $${REJOIN_SCREENSHOTS:-.build/review-screenshots}"

# The tests of faults that `make test` runs briefly, in full. REJOIN_SOAK=67 lets the fleets behind the proxy begin with that seed.
soak: packages
	@Scripts/install-debian-packages postgresql sqlite3 sqlite3-tools
	swift build $(BUILD_FLAGS) --build-tests
	REJOIN_SOAK=1 $(RUN_TESTS) --filter 'TwoServersTests|DatabaseFaultTests|FullDiskTests|FailoverTests|ProxyTests|KillTests|ConvergenceTests|ChinookTests'

fuzz: packages
	@Scripts/install-debian-packages python3 python3-venv
	swift build $(BUILD_FLAGS) --product rejoin
	Tests/Contract/fuzz.sh $(REJOIN)

identity: packages
	@Scripts/install-debian-packages python3 python3-venv
	swift build $(BUILD_FLAGS) --product rejoin
	Tests/Identity/identity.sh $(REJOIN)

http2: packages
	@Scripts/install-debian-packages openssl python3 python3-venv
	swift build $(BUILD_FLAGS) --product rejoin
	Tests/HTTP2/http2.sh $(REJOIN)

abuse: packages
	@Scripts/install-debian-packages python3
	swift build --configuration release $(BUILD_FLAGS) --product rejoin
	Tests/Abuse/abuse.py .build/release/rejoin $(ABUSE)

live: packages
	@Scripts/install-debian-packages python3 postgresql
	swift build --configuration release $(BUILD_FLAGS) --product rejoin
	Tests/Live/live.py .build/release/rejoin --build release --figures $(LIVE)

stories: packages
	@Scripts/install-debian-packages python3 python3-venv curl openssl
	swift build $(BUILD_FLAGS) --product rejoin
	swift build $(BUILD_FLAGS) --product rejoin-device
	swift build $(BUILD_FLAGS) --product estimates
	Tests/Stories/run.sh $(REJOIN) docs/protocol.md docs/reviewing.md docs/tables.md docs/tls.md

bench: packages
	@Scripts/install-debian-packages postgresql curl
	swift build --configuration release $(BUILD_FLAGS) --product rejoin
	swift run --configuration release --package-path Benchmarks bench --server .build/release/rejoin $(BENCH)

bench-core: packages
	swift package --package-path Benchmarks benchmark
	swift run --package-path Benchmarks --configuration release batch-cpu

bench-device: packages
	swift run --package-path Benchmarks --configuration release device-costs

check:
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks Examples
	Scripts/check-imports
	Scripts/check-structure
	Scripts/run-tests --check
	Scripts/check-architecture
	Scripts/edge-case-index --check
	Scripts/check-documents

check-swiftui: packages
	swift build $(BUILD_FLAGS) --product estimates
	Scripts/check-swiftui

# What is documented is what was built. After `make test` there is nothing left to build.
documentation: packages
	swift build $(BUILD_FLAGS)
	Scripts/build-documentation

format:
	swift format --in-place --recursive Package.swift Sources Tests Benchmarks Examples

release: packages
	swift build --configuration release --static-swift-stdlib --product rejoin
	strip .build/release/rejoin

footprint: release
	Tests/Footprint/footprint.sh .build/release/rejoin
