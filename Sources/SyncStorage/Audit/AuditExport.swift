import Causality
import StrictJSON
import SyncWire

/// Writes an audit as lines of JSON, part after part. It is pure and takes the memory of one part.
///
/// The methods are called in the order ``begin(_:)``, ``append(_:)`` for every page, ``end(at:)``. Each returns the
/// bytes of some whole lines, in UTF-8.
public struct AuditExportWriter: Sendable {
    private var writer = JSONWriter()
    private var digest = DigestStream()

    /// Begins before the first line.
    public init() {}

    /// Writes the first line.
    public mutating func begin(_ header: AuditExportHeader) -> [UInt8] {
        writer.write(header)
        return finishedLines()
    }

    /// Writes the next entries, in the order of their positions.
    public mutating func append(_ entries: [AuditEntryRow]) -> [UInt8] {
        for entry in entries {
            writer.write(entry)
            writer.endLine()
        }
        return digested()
    }

    /// Writes the last line, with the digest of all lines before it.
    public mutating func end(at head: AuditHead) -> [UInt8] {
        writer.write(AuditExportEnd(head: head, digest: digest.digest))
        return finishedLines()
    }

    private mutating func finishedLines() -> [UInt8] {
        writer.endLine()
        return digested()
    }

    private mutating func digested() -> [UInt8] {
        let bytes = writer.takeBytes()
        digest.update(with: bytes)
        return bytes
    }
}

/// The export of one tenant's audit as it stands when it is asked for, page by page.
///
/// A page is read when the one before it was taken. So the memory is that of one page, however long the audit and
/// however slow its reader. The export tells what is stored, whole or not: ``AuditFileVerifier`` finds out whether it
/// is whole.
public struct AuditExport: AsyncSequence, Sendable {
    public typealias Element = [UInt8]
    public typealias Failure = StoreError

    let store: any SyncStore
    let tenant: TenantID
    let exportedAtMilliseconds: Int64

    /// How many entries are read at once.
    static let pageLimit = 100

    public func makeAsyncIterator() -> Iterator { Iterator(export: self) }

    /// Reads the audit page by page.
    public struct Iterator: AsyncIteratorProtocol {
        private enum Stage {
            case beginning
            case entries(after: Int64, to: AuditHead)
            case ended
        }

        let export: AuditExport
        private var writer = AuditExportWriter()
        private var stage = Stage.beginning

        init(export: AuditExport) { self.export = export }

        /// The next part, which is some whole lines.
        public mutating func next(
            isolation actor: isolated (any Actor)? = #isolation
        ) async throws(StoreError) -> [UInt8]? {
            switch stage {
            case .beginning:
                let head = try await export.store.head(of: export.tenant).audit
                // Entries that stand before the first one are none of the server's; the file shows them.
                stage = .entries(after: .min, to: head)
                return writer.begin(
                    AuditExportHeader(
                        tenant: export.tenant, lineage: ExactString(export.store.identity.lineage),
                        exportedAtMilliseconds: export.exportedAtMilliseconds))
            case .entries(let position, let head):
                let page = try await export.store.auditEntries(
                    export.tenant, after: position, limit: AuditExport.pageLimit)
                // What lies behind the head was committed since it was read.
                let entries = page.filter { $0.position <= head.position }
                guard let last = entries.last else {
                    stage = .ended
                    return writer.end(at: head)
                }
                stage = .entries(after: last.position, to: head)
                return writer.append(entries)
            case .ended: return nil
            }
        }

        public mutating func next() async throws(StoreError) -> [UInt8]? { try await next(isolation: nil) }
    }
}

extension SyncStore {
    /// A tenant's whole audit as lines of JSON, for ``AuditFileVerifier`` and for whoever keeps it. Nothing is read
    /// before the first part is asked for.
    public func auditExport(of tenant: TenantID, nowMilliseconds: Int64) -> AuditExport {
        AuditExport(store: self, tenant: tenant, exportedAtMilliseconds: nowMilliseconds)
    }
}
