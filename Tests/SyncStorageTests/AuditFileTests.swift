import Causality
import MergeCore
import StorageConformance
import SyncStorage
import Testing

/// An exported audit, line by line, each with its end.
private struct ExportedFile {
    var lines: [[UInt8]]

    var bytes: [UInt8] { Array(lines.joined()) }
    /// The numbers of the lines that are entries.
    var entries: Range<Int> { 1..<lines.count - 1 }

    init(_ lines: [[UInt8]]) { self.lines = lines }

    init(of tenant: TenantID, in store: any SyncStore, at milliseconds: Int64 = 1_800_000_000_000) async throws {
        var bytes: [UInt8] = []
        for try await part in store.auditExport(of: tenant, nowMilliseconds: milliseconds) {
            bytes += part
        }
        lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
            .map {
                $0 + [10]
            }
        #expect(self.bytes == bytes)
    }

    static func sample(of tenant: TenantID = "tenant") async throws -> ExportedFile {
        let store = InMemoryStore(
            identity: StoreIdentity(lineage: "of \(tenant.name)", redactionKey: [2]))
        try await AuditSample.put(in: store, of: tenant)
        return try await ExportedFile(of: tenant, in: store)
    }

    func report(of tenant: TenantID? = nil) -> AuditFileReport {
        var verifier = AuditFileVerifier(of: tenant)
        verifier.read(bytes)
        return verifier.report()
    }
}

@Suite("an exported audit")
struct AuditFileTests {
    @Test("is whole, however its bytes arrive, and says whose it is and where it ends")
    func whole() async throws {
        let store = InMemoryStore()
        try await AuditSample.put(in: store, of: "tenant")
        let file = try await ExportedFile(of: "tenant", in: store)
        let header = AuditExportHeader(
            tenant: "tenant", lineage: ExactString(store.identity.lineage), exportedAtMilliseconds: 1_800_000_000_000)
        let head = try await store.head(of: "tenant").audit
        for length in [1, 7, 4_096, file.bytes.count] {
            var verifier = AuditFileVerifier(of: "tenant")
            for start in stride(from: 0, to: file.bytes.count, by: length) {
                verifier.read(file.bytes[start..<min(start + length, file.bytes.count)])
            }
            #expect(verifier.report() == AuditFileReport(header: header, head: head, fault: nil))
        }
        #expect(file.entries.count == 11)
    }

    @Test("of a tenant without conflicts is two lines, and whole")
    func empty() async throws {
        let file = try await ExportedFile(of: "nobody", in: InMemoryStore())
        #expect(file.lines.count == 2)
        #expect(file.report().fault == nil)
        #expect(file.report().head == AuditHead())
    }

    @Test("of many pages is whole, also while conflicts are being recorded")
    func manyPages() async throws {
        let store = InMemoryStore()
        func conflicts(_ count: Int, in collection: ExactString) async throws {
            for device in ["anna", "ben"] as [DeviceID] {
                let operations = (1...count).map { number in
                    Operation(
                        .create, OperationID("\(collection.text) \(device) \(number)"),
                        on: RecordKey(collection, ExactString("\(number)")), clock: [device: 1],
                        ["by": .string(device.name)])
                }
                try await Committer(store, "tenant").commit(Batch(collection, from: device, operations))
            }
        }
        try await conflicts(230, in: "before")
        var parts = store.auditExport(of: "tenant", nowMilliseconds: 0).makeAsyncIterator()
        var verifier = AuditFileVerifier()
        var longest = 0
        while let part = try await parts.next() {
            if longest == 0 { try await conflicts(20, in: "meanwhile") }
            longest = max(longest, part.count)
            verifier.read(part)
        }
        let report = verifier.report()
        #expect(report.fault == nil && report.head.position == 230)
        let whole = try await ExportedFile(of: "tenant", in: store)
        #expect(whole.report().fault == nil && whole.entries.count == 250)
        #expect(longest * 2 < whole.bytes.count, "a part is a page")
    }
}

@Suite("edge 43: an exported audit that somebody changed")
struct ChangedAuditFileTests {
    /// Line by line, so that every core has some; the sample has thirteen.
    @Test("is found out, whichever byte it is", arguments: 0..<13)
    func changedByte(_ number: Int) async throws {
        let file = try await ExportedFile.sample()
        try #require(file.lines.count == 13)
        // What comes before the change is read once.
        var before = AuditFileVerifier(of: "tenant")
        before.read(file.lines[..<number].joined())
        let line = file.lines[number]
        let others = Array(file.lines[(number + 1)...].joined())
        var missed: [[UInt8]] = []
        for offset in line.indices {
            // Each bit, then a byte too few, a byte too many, and a line's end in the midst of it.
            var edits = (0..<8).map { bit in
                var edited = line
                edited[offset] ^= 1 << UInt8(bit)
                return edited
            }
            edits.append(Array(line[..<offset] + line[(offset + 1)...]))
            edits.append(Array(line[...offset] + line[offset...]))
            edits.append(Array(line[..<offset] + [10] + line[offset...]))
            for edited in edits where edited != line {
                var verifier = before
                verifier.read(edited)
                // A first line that can still be read shows at the first entry or in the last line, and a number that is too
                // high when the one before it does not come.
                if !verifier.isSettled { verifier.read(others) }
                if verifier.report().fault == nil { missed.append(edited) }
            }
        }
        #expect(missed.map { String(decoding: $0, as: UTF8.self) } == [])
    }

    @Test("is found out at every place where it is cut off")
    func cutOff() async throws {
        let file = try await ExportedFile.sample()
        var verifier = AuditFileVerifier()
        var line: Int64 = 1
        for byte in file.bytes {
            #expect(verifier.report().fault == AuditFileFault(.truncated, line: line))
            verifier.read([byte])
            if byte == 10 { line += 1 }
        }
        #expect(verifier.report().fault == nil)
    }

    @Test("is found out when two entries changed places")
    func swappedEntries() async throws {
        let file = try await ExportedFile.sample()
        for first in file.entries {
            for second in file.entries where second > first {
                var swapped = file
                swapped.lines.swapAt(first, second)
                let fault = AuditFileFault(.reordered(position: Int64(second)), line: Int64(first + 1))
                #expect(swapped.report().fault == fault)
            }
        }
    }

    @Test("is found out when a line is gone, or comes twice")
    func lostLine() async throws {
        let file = try await ExportedFile.sample()
        let last = file.lines.count - 1
        for number in file.lines.indices {
            var shorter = file
            shorter.lines.remove(at: number)
            var longer = file
            longer.lines.insert(file.lines[number], at: number)
            let (line, position) = (Int64(number + 1), Int64(number))
            switch number {
            case 0:
                #expect(shorter.report().fault == AuditFileFault(.unreadable, line: 1))
                #expect(longer.report().fault == AuditFileFault(.unreadable, line: 2))
            case last:
                #expect(shorter.report().fault == AuditFileFault(.truncated, line: line))
                #expect(longer.report().fault == AuditFileFault(.continued, line: line + 1))
            default:
                #expect(shorter.report().fault == AuditFileFault(.missing(position: position), line: line))
                #expect(longer.report().fault == AuditFileFault(.repeated(position: position), line: line + 1))
            }
        }
    }

    @Test("is found out when parts of two files are put together")
    func mixedFiles() async throws {
        let file = try await ExportedFile.sample()
        let other = try await ExportedFile.sample(of: "other")
        // Under another tenant's header no entry is what was written: the hash covers the tenant.
        var foreign = file
        foreign.lines[0] = other.lines[0]
        #expect(foreign.report().fault == AuditFileFault(.altered(position: 1), line: 2))
        #expect(file.report(of: "other").fault == AuditFileFault(.otherTenant("tenant"), line: 1))
        // An end of before under entries of now, and the other way round.
        let store = InMemoryStore()
        try await AuditSample.put(in: store, of: "tenant")
        let before = try await ExportedFile(of: "tenant", in: store)
        for device in ["anna", "ben"] as [DeviceID] {
            let create = Operation(
                .create, OperationID(device.name), on: RecordKey("c", "r"), clock: [device: 1],
                ["by": .string(device.name)])
            try await Committer(store, "tenant").commit(Batch("k", from: device, [create]))
        }
        let after = try await ExportedFile(of: "tenant", in: store)
        #expect(after.report().fault == nil && after.entries.count == 12)
        let old = ExportedFile(after.lines.dropLast() + [before.lines[12]])
        #expect(old.report().fault == AuditFileFault(.headMismatch(position: 12), line: 14))
        let new = ExportedFile(before.lines.dropLast() + [after.lines[13]])
        #expect(new.report().fault == AuditFileFault(.missing(position: 12), line: 13))
        // The same entries under the header of another export.
        var earlier = try await ExportedFile(of: "tenant", in: store, at: 5)
        #expect(earlier.report().fault == nil)
        earlier.lines[0] = after.lines[0]
        #expect(earlier.report().fault == AuditFileFault(.digestMismatch, line: 14))
    }

    @Test(
        "is no export by its first line",
        arguments: [
            (#"{"format":"rejoin-audit","version":2,"more":1}"#, AuditFileFault.Kind.otherVersion(2)),
            (#"{"format":"rejoin-audit","version":1,"tenant":"t","lineage":"l"}"#, .unreadable),
            (#"{"format":"another","version":1,"tenant":"t","lineage":"l","exportedAtMilliseconds":1}"#, .unreadable),
            (
                #"{"format":"rejoin-audit","version":1,"tenant":"t","lineage":"l","exportedAtMilliseconds":1} "#,
                .unreadable
            ),
            (
                #"{"format":"rejoin-audit","version":1,"tenant":"t","lineage":"l","exportedAtMilliseconds":1.0}"#,
                .unreadable
            ),
            (
                #"{"format":"rejoin-audit","version":1,"lineage":"l","tenant":"t","exportedAtMilliseconds":1}"#,
                .unreadable
            ),
            ("id,kind", .unreadable), ("", .unreadable), ("[]", .unreadable),
        ])
    func noExport(_ line: String, _ kind: AuditFileFault.Kind) {
        var verifier = AuditFileVerifier()
        verifier.read((line + "\n").utf8)
        #expect(verifier.report().fault == AuditFileFault(kind, line: 1))
        #expect(verifier.report().header == nil)
    }
}
