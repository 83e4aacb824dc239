import ArgumentParser
import Foundation
import MergeCore
import SyncStorage

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Prove that the audit is whole, and write it to a file that can be proven too.",
        subcommands: [Verify.self, Export.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Check every entry's hash, and that the index over the entries agrees. Exits 1 at the first fault.",
            discussion: """
                With --file, a file that 'rejoin audit export' wrote is checked instead, byte for byte and without any \
                database. Whether it is the audit that the server had shows in the hash of its last entry: compare it with \
                one that was kept somewhere else.
                """)

        @OptionGroup var database: DatabaseOptions
        @Option(help: "One tenant only.") var tenant: String?
        @Option(help: "An exported audit.") var file: String?

        func run() async throws {
            if let file {
                try AuditFileCheck(path: file, tenant: tenant.map { TenantID($0) }).run()
                return
            }
            let store = try await Database(database).openForReading()
            var faults = 0
            do {
                let tenants =
                    tenant == nil ? try await store.tenants() : [try await TenantChoice.tenant(tenant, in: store)]
                for tenant in tenants {
                    let report = try await store.verifyAudit(of: tenant)
                    if let fault = report.fault {
                        faults += 1
                        print("tenant \(tenant.name): \(fault.line)")
                    } else {
                        print("tenant \(tenant.name): \(report.entries.entries), whole")
                    }
                }
                if tenants.isEmpty { print("no tenants yet: nothing to verify") }
            } catch let error as StoreError {
                throw CommandFailure.found(error.line)
            }
            await store.close()
            if faults > 0 { throw CommandFailure.found("the audit was changed by something other than the server") }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a tenant's whole audit as JSON lines, which 'rejoin audit verify --file' proves.",
            discussion:
                "Also beside a running server. The file holds the values that people wrote: keep it as they would.")

        @OptionGroup var database: DatabaseOptions
        @Option(help: "The tenant; not needed where there is one only.") var tenant: String?
        @Option(help: "The file to make; standard output without it.") var output: String?

        func run() async throws {
            guard output != nil || isatty(STDOUT_FILENO) == 0 else {
                // Values that devices chose must not steer a terminal, and here they stand as they are.
                throw CommandFailure.cannotStart("name a file with --output, or send the output into a file or a pipe")
            }
            let store = try await Database(database).openForReading()
            let tenant = try await TenantChoice.tenant(tenant, in: store)
            let handle = try output.map { try Self.make($0) } ?? .standardOutput
            let now = Int64((Date().timeIntervalSince1970 * 1_000).rounded(.down))
            do {
                for try await part in store.auditExport(of: tenant, nowMilliseconds: now) {
                    try handle.write(contentsOf: part)
                }
                // Where the disk is full this may be the first to say so.
                if output != nil { try handle.close() }
            } catch let error as StoreError {
                throw CommandFailure.found(error.line)
            } catch {
                throw CommandFailure.found("the file cannot be written: \(error.localizedDescription)")
            }
            await store.close()
        }

        /// Makes the file. An audit that was written before is not written over, and a new one is its owner's alone.
        private static func make(_ path: String) throws(CommandFailure) -> FileHandle {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard descriptor >= 0 else {
                throw .cannotStart("\(path) cannot be made: \(String(cString: strerror(errno)))")
            }
            return FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        }
    }
}

extension AuditFault {
    var line: String {
        switch self {
        case .missing(let position): "entry \(position) is missing"
        case .altered(let position): "entry \(position) is not what was written"
        case .headMismatch(let position): "entry \(position) is not the last one that the tenant knows of"
        case .strandedSides(let position): "sides stand at position \(position), where no entry is"
        case .indexMismatch(let conflict): "the index says something else about conflict \(conflict) than its entries"
        }
    }
}

extension Int64 {
    /// The number of entries, in words.
    var entries: String { self == 1 ? "1 entry" : "\(self) entries" }
}
