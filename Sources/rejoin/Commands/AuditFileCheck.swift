import Foundation
import MergeCore
import SyncStorage
import Values

/// `rejoin audit verify --file`: no database is opened.
struct AuditFileCheck {
    let path: String
    let tenant: TenantID?

    func run() throws(CommandFailure) {
        var verifier = AuditFileVerifier(of: tenant)
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: path))
            while !verifier.isSettled, let bytes = try handle.read(upToCount: 1 << 16), !bytes.isEmpty {
                verifier.read(bytes)
            }
        } catch {
            throw .cannotStart("\(path) cannot be read")
        }
        let report = verifier.report()
        let name = report.header.map { "tenant \(TerminalText.printable($0.tenant.name.text)): " } ?? ""
        if let fault = report.fault {
            print("\(name)line \(fault.line): \(fault.kind.line)")
            throw .found("the file is not the audit that was exported")
        }
        print("\(name)\(report.head.position.entries), whole")
        guard let header = report.header else { return }
        print("exported \(Timestamp(milliseconds: header.exportedAtMilliseconds).text)", terminator: "")
        print(", lineage \(TerminalText.printable(header.lineage.text))", terminator: "")
        print(report.head.position == 0 ? "" : ", last hash \(report.head.hexadecimalHash)")
    }
}

extension AuditFileFault.Kind {
    var line: String {
        switch self {
        case .unreadable: "this is not what an export writes here"
        case .otherVersion(let version): "version \(version) of the format is not known here"
        case .otherTenant(let tenant): "this is the audit of \(TerminalText.printable(tenant.name.text))"
        case .missing(let position): "entry \(position) is missing"
        case .reordered(let position): "entry \(position) stands before one that comes earlier"
        case .repeated(let position): "entry \(position) stands here a second time"
        case .altered(let position): "entry \(position) is not what was written"
        case .headMismatch(let position): "entry \(position) is not the last one that this line tells of"
        case .digestMismatch: "the first line is not what was written, or the digest here is another"
        case .truncated: "the file ends too early"
        case .continued: "something follows the last line"
        }
    }
}
