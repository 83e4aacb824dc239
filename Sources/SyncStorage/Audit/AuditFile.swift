import SyncWire

/// The first thing in an exported audit that is not as it was written.
public struct AuditFileFault: Sendable, Hashable {
    /// What is wrong.
    public enum Kind: Sendable, Hashable {
        /// The line is not one that an export writes there.
        case unreadable
        /// The file is of a version of the format that is not known here.
        case otherVersion(Int64)
        /// The file is the audit of another tenant than the one that was asked about.
        case otherTenant(TenantID)
        /// The entry at this position is not there.
        case missing(position: Int64)
        /// The entry stands before another one that comes earlier.
        case reordered(position: Int64)
        /// The entry stands there a second time.
        case repeated(position: Int64)
        /// The entry, one of its sides or the hash before it is not what was written.
        case altered(position: Int64)
        /// The last line names another end of the chain than the last entry, which has this position.
        case headMismatch(position: Int64)
        /// The entries are whole and end in the head, but the first line is another one, or the digest in the last line
        /// is.
        case digestMismatch
        /// The file ends before its last line does.
        case truncated
        /// Something follows the last line.
        case continued
    }

    /// What is wrong.
    public let kind: Kind
    /// The line in which the fault shows, counted from 1.
    public let line: Int64

    /// Takes what is wrong, and the line.
    public init(_ kind: Kind, line: Int64) {
        self.kind = kind
        self.line = line
    }
}

/// The outcome of verifying one exported audit.
public struct AuditFileReport: Sendable, Hashable {
    /// The first line; nil where it cannot be read. It is proven only when there is no fault.
    public let header: AuditExportHeader?
    /// Where the entries end that follow from one another, up to the first fault.
    public let head: AuditHead
    /// The first fault; nil when the file is whole.
    public let fault: AuditFileFault?

    public init(header: AuditExportHeader?, head: AuditHead, fault: AuditFileFault?) {
        self.header = header
        self.head = head
        self.fault = fault
    }
}

/// Proves, without any database, that a file is an exported audit as it was written. Every byte of the file counts.
///
/// The verifier cannot tell whether the file is the audit that the server had: whoever can write files can also write a
/// whole chain of inventions. That shows where the head was noted somewhere else, such as in an earlier export.
///
/// It is pure, and takes the memory of the longest line.
public struct AuditFileVerifier: Sendable {
    /// Longer lines are unreadable. The number is above every entry that a server within its limits writes: 64 values
    /// of one unit, each as long as a request's body, and escaped.
    static let maximumLineByteCount = 1 << 30

    private enum Stage {
        case beginning
        case entries
        /// An entry was missed at the place where another one stood. It may still come.
        case missing(position: Int64, found: Int64, line: Int64)
        case ended
    }

    private let wanted: TenantID?
    private var stage = Stage.beginning
    private var header: AuditExportHeader?
    /// The chain is nobody's until the first line is read.
    private var chain = AuditChain(of: TenantID(""))
    private var digest = DigestStream()
    /// What has come of the line that is not yet complete.
    private var rest: [UInt8] = []
    private var line: Int64 = 0
    private var fault: AuditFileFault?

    /// Begins before the first line.
    /// - Parameter tenant: the tenant whose audit it has to be; nil for anybody's.
    public init(of tenant: TenantID? = nil) { wanted = tenant }

    /// Whether a fault was found. Then what follows in the file does not matter any more.
    public var isSettled: Bool { fault != nil }

    /// Takes the next bytes of the file, however it is cut.
    public mutating func read(_ bytes: some Collection<UInt8>) {
        var bytes = bytes[...]
        while !isSettled, let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            rest.append(contentsOf: bytes[..<end])
            bytes = bytes[bytes.index(after: end)...]
            line += 1
            fault = faultOfLine()
            rest.removeAll(keepingCapacity: true)
        }
        guard !isSettled else { return }
        guard rest.count + bytes.count <= Self.maximumLineByteCount else {
            fault = AuditFileFault(.unreadable, line: line + 1)
            return
        }
        rest.append(contentsOf: bytes)
    }

    /// What was found. It is asked for when all of the file was read.
    public func report() -> AuditFileReport {
        AuditFileReport(header: header, head: chain.head, fault: fault ?? faultOfTheEnd)
    }

    private var faultOfTheEnd: AuditFileFault? {
        switch stage {
        case .ended: rest.isEmpty ? nil : AuditFileFault(.continued, line: line + 1)
        case .missing(let position, _, let line): AuditFileFault(.missing(position: position), line: line)
        case .beginning, .entries: AuditFileFault(.truncated, line: line + 1)
        }
    }

    /// Reads the line in `rest`.
    private mutating func faultOfLine() -> AuditFileFault? {
        switch stage {
        case .beginning: return begin().map { AuditFileFault($0, line: line) }
        case .entries: return follow().map { AuditFileFault($0, line: line) }
        case .missing(let position, let found, let line):
            // It is the first fault already; only its name is still open.
            guard case .entry(let entry)? = AuditExportLine(rest) else {
                return AuditFileFault(.missing(position: position), line: line)
            }
            return entry.position == position ? AuditFileFault(.reordered(position: found), line: line) : nil
        case .ended: return AuditFileFault(.continued, line: line)
        }
    }

    private mutating func begin() -> AuditFileFault.Kind? {
        switch AuditExportLine(rest) {
        case .header(let header)?:
            self.header = header
            if let wanted, wanted != header.tenant { return .otherTenant(header.tenant) }
            chain = AuditChain(of: header.tenant)
            stage = .entries
            take()
            return nil
        case .otherVersion(let version)?: return .otherVersion(version)
        case .entry?, .end?, nil: return .unreadable
        }
    }

    private mutating func follow() -> AuditFileFault.Kind? {
        switch AuditExportLine(rest) {
        case .entry(let entry)?:
            let last = chain.head.position
            if entry.position > 0, entry.position <= last { return .repeated(position: entry.position) }
            switch chain.follow(with: entry) {
            case .missing(let position)?: stage = .missing(position: position, found: entry.position, line: line)
            case let fault?: return fault.kind
            case nil: take()
            }
            return nil
        case .end(let end)?:
            if let fault = chain.fault(endingAt: end.head) { return fault.kind }
            guard digest.digest == end.digest else { return .digestMismatch }
            stage = .ended
            return nil
        case .header?, .otherVersion?, nil: return .unreadable
        }
    }

    /// Counts the line in `rest` among those before the last.
    private mutating func take() {
        digest.update(with: rest)
        digest.update(with: [UInt8(ascii: "\n")])
    }
}

extension AuditFault {
    /// The same fault in a file. An export has no index over its entries.
    fileprivate var kind: AuditFileFault.Kind {
        switch self {
        case .missing(let position): .missing(position: position)
        case .altered(let position): .altered(position: position)
        case .headMismatch(let position): .headMismatch(position: position)
        case .strandedSides(let position): .altered(position: position)
        case .indexMismatch(let conflict): .altered(position: conflict)
        }
    }
}
