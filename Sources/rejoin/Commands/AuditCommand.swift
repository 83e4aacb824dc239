import ArgumentParser
import MergeCore
import SyncStorage

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Prove that the audit is whole.", subcommands: [Verify.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract:
                "Check every entry's hash, and that the index over the entries agrees. Exits 1 at the first fault.")

        @OptionGroup var database: DatabaseOptions
        @Option(help: "One tenant only.") var tenant: String?

        func run() async throws {
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
                        print(
                            "tenant \(tenant.name): \(report.entries) \(report.entries == 1 ? "entry" : "entries"), whole"
                        )
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
}

extension AuditFault {
    var line: String {
        switch self {
        case .missing(let position): "entry \(position) is missing"
        case .altered(let position): "entry \(position) is not what was written"
        case .headMismatch(let position): "entry \(position) is not the last one that the tenant knows of"
        case .indexMismatch(let conflict): "the index says something else about conflict \(conflict) than its entries"
        }
    }
}
