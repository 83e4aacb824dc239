/// Work of many tenants that waits for a few workers, such as connections to a database.
///
/// The next piece is always one of the tenant that has the fewest under way, and tenants take turns. So a tenant with
/// thousands of pieces delays another by what is under way and no more.
///
/// No tenant has all workers. Neither all reads together nor all writes together have them, and no tenant has all that
/// are for one of these. So a part stays free for the others, however slow the work is. Two workers are too few for
/// both: they keep tenants apart, and reads and writes take turns. One worker keeps nobody apart.
///
/// The queue is a value, guarded by whoever owns it. A piece costs O(workers).
public struct FairQueue<Element> {
    /// What a worker is wanted for.
    public typealias Use = WorkUse
    /// A worker's engagement.
    public typealias Turn = WorkTurn

    /// What waits for one use.
    private struct Line {
        var waiting: [TenantID: ArraySlice<Element>] = [:]
        /// The tenants that wait, in the order of their turns.
        var order: [TenantID] = []
        var running = 0
    }

    /// How many workers one tenant may have at once.
    private let share: Int
    /// How many reads may be under way at once, and how many writes.
    private let shareOfUse: Int
    /// Whether one use may have all workers. Then reads and writes take turns, or what runs long would keep its like
    /// waiting.
    private let isUndivided: Bool
    private var reads = Line()
    private var writes = Line()
    /// The server's own work, such as asking whether the database is there. It belongs to nobody and goes first.
    private var own: ArraySlice<Element> = []
    private var running: [TenantID: Int] = [:]
    private var lastUse = Use.writing
    /// How many pieces wait.
    public private(set) var count = 0

    /// Begins with no work.
    /// - Parameters:
    ///   - workers: how many pieces may be under way at once.
    ///   - uses: what the workers are for. Where that is one thing only, there is nothing to keep any free for.
    public init(workers: Int, for uses: Set<Use> = Set(Use.allCases)) {
        let shares = Self.shares(of: workers, for: uses)
        share = shares.ofTenant
        shareOfUse = shares.ofUse
        isUndivided = shares.ofUse >= workers
    }

    /// The most workers that one tenant has, and one use.
    ///
    /// A use has all but a quarter. A tenant has all of those but as many again, so that another one finds some for
    /// either. Of two workers a use may have both, so that the tenants that read do not all wait for the slowest of
    /// them; a tenant has one.
    public static func shares(
        of workers: Int, for uses: Set<Use> = Set(Use.allCases)
    ) -> (ofTenant: Int, ofUse: Int) {
        let reserve = max(1, workers / 4)
        let ofUse = uses.count > 1 && workers > 2 ? workers - reserve : max(1, workers)
        return (max(1, ofUse - reserve), ofUse)
    }

    // MARK: Use

    /// Adds a piece of work, behind what waits of its tenant for its use. O(1).
    /// - Parameters:
    ///   - element: the piece.
    ///   - tenant: whose work it is; nil for the server's own.
    ///   - use: what a worker is wanted for.
    public mutating func add(_ element: Element, of tenant: TenantID?, for use: Use) {
        count += 1
        guard let tenant else { return own.append(element) }
        change(use) { line in
            if line.waiting[tenant] == nil { line.order.append(tenant) }
            line.waiting[tenant, default: []].append(element)
        }
    }

    /// Whether ``take()`` would find something.
    public var hasWork: Bool { !own.isEmpty || place != nil }

    /// The next piece of work; nil where none waits whose tenant and use have not had their share. The turn is given
    /// back with ``finish(_:)``.
    public mutating func take() -> (element: Element, turn: Turn)? {
        if let element = own.popFirst() {
            count -= 1
            return (element, Turn(tenant: nil, use: .reading))
        }
        guard let (use, index) = place else { return nil }
        count -= 1
        lastUse = use
        let (element, tenant) = change(use) { line in
            let tenant = line.order.remove(at: index)
            guard let element = line.waiting[tenant]?.popFirst() else {
                preconditionFailure("a tenant in the order has work")
            }
            if line.waiting[tenant]?.isEmpty == true {
                line.waiting[tenant] = nil
            } else {
                line.order.append(tenant)
            }
            line.running += 1
            return (element, tenant)
        }
        running[tenant, default: 0] += 1
        return (element, Turn(tenant: tenant, use: use))
    }

    /// Gives a worker back.
    public mutating func finish(_ turn: Turn) {
        guard let tenant = turn.tenant else { return }
        change(turn.use) { $0.running -= 1 }
        let left = (running[tenant] ?? 1) - 1
        running[tenant] = left > 0 ? left : nil
    }

    /// Takes back the first piece that waits and is not wanted any more. O(what waits of the tenant for the use).
    /// - Parameters:
    ///   - tenant: whose work it is; nil for the server's own.
    ///   - use: what a worker is wanted for.
    ///   - isUnwanted: whether a piece is the one.
    /// - Returns: whether there was one.
    @discardableResult
    public mutating func remove(of tenant: TenantID?, for use: Use, where isUnwanted: (Element) -> Bool) -> Bool {
        let isFound: Bool
        if let tenant {
            isFound = change(use) { line in
                guard let index = line.waiting[tenant]?.firstIndex(where: isUnwanted) else { return false }
                line.waiting[tenant]?.remove(at: index)
                if line.waiting[tenant]?.isEmpty == true {
                    line.waiting[tenant] = nil
                    line.order.removeAll { $0 == tenant }
                }
                return true
            }
        } else if let index = own.firstIndex(where: isUnwanted) {
            own.remove(at: index)
            isFound = true
        } else {
            isFound = false
        }
        if isFound { count -= 1 }
        return isFound
    }

    // MARK: Parts

    /// Where the next piece of work waits: for which use, and at which place in its order.
    private var place: (use: Use, index: Int)? {
        let isEven = isUndivided || reads.running == writes.running
        let readsFirst = isEven ? lastUse == .writing : reads.running < writes.running
        for use in readsFirst ? [Use.reading, .writing] : [.writing, .reading] {
            let line = use == .reading ? reads : writes
            guard line.running < shareOfUse else { continue }
            var best: (index: Int, running: Int)?
            for (index, tenant) in line.order.enumerated() {
                let count = running[tenant] ?? 0
                if count < best?.running ?? share { best = (index, count) }
                if count == 0 { break }
            }
            if let best { return (use, best.index) }
        }
        return nil
    }

    private mutating func change<Answer>(_ use: Use, _ body: (inout Line) -> Answer) -> Answer {
        switch use {
        case .reading: body(&reads)
        case .writing: body(&writes)
        }
    }
}

/// What a worker is wanted for: `reading` or `writing`.
public enum WorkUse: Sendable, Hashable, CaseIterable {
    case reading, writing
}

/// A worker's engagement, which is given back with ``FairQueue/finish(_:)``.
public struct WorkTurn: Sendable, Hashable {
    fileprivate let tenant: TenantID?
    fileprivate let use: WorkUse
}
