/// The time of one worker, such as the only connection that may write, shared among tenants.
///
/// The next tenant is the one that has had the least of the worker's time lately. What each tenant brought goes in its
/// order. So somebody with long pieces delays another by the piece that is under way and no more, however many pieces
/// wait and however long they are. Nobody saves time up by staying away, and nobody waits for ever: a debt is paid off
/// while others are served.
///
/// This is start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996), with costs that are known only afterwards.
/// Besides, the clock goes on a little with every piece, or ever new tenants would keep somebody with a debt waiting.
///
/// The time is a value, guarded by whoever owns it. A piece costs O(tenants that wait).
public struct FairTime<Element> {
    private struct Line {
        var pieces: ArraySlice<Element>
        /// The moment of this queue's clock at which the first piece may begin.
        var start: Duration
        /// Among lines that may begin at the same moment, the one that waits longest is first.
        var turn: UInt64
    }

    /// The part of a piece's time by which the clock goes on where few tenants wait.
    private static var patience: Int { 16 }

    /// What waits, one line a tenant. nil is the server itself, which goes first.
    private var lines: [TenantID?: Line] = [:]
    /// The queue's clock: the start of the last piece, or a little later.
    private var now: Duration = .zero
    /// The moment of `now` from which each tenant that was served may begin again, where that lies ahead.
    private var ends: [TenantID: Duration] = [:]
    private var turns: UInt64 = 0
    private var current: (tenant: TenantID?, start: Duration)?

    /// Begins with no work.
    public init() {}

    /// How many tenants had more than their share lately.
    public var tenantsAhead: Int { ends.count }

    /// Adds a piece of work, behind what waits of its tenant. O(1).
    /// - Parameters:
    ///   - element: the piece.
    ///   - tenant: whose piece it is; nil for the server's own.
    public mutating func add(_ element: Element, of tenant: TenantID?) {
        if lines[tenant] == nil { open(tenant, from: tenant.flatMap { ends[$0] } ?? now) }
        lines[tenant]?.pieces.append(element)
    }

    /// The next piece, which has to be finished before another one is taken. nil where none waits or one is under way.
    public mutating func take() -> Element? {
        guard current == nil else { return nil }
        let next = lines.min { left, right in
            guard left.key != nil, right.key != nil else { return left.key == nil }
            return (left.value.start, left.value.turn) < (right.value.start, right.value.turn)
        }
        guard let (tenant, line) = next, let element = line.pieces.first else { return nil }
        if line.pieces.count == 1 {
            lines[tenant] = nil
        } else {
            lines[tenant]?.pieces.removeFirst()
        }
        current = (tenant, line.start)
        return element
    }

    /// Says that the piece under way is done.
    /// - Parameter time: for how long it had the worker.
    public mutating func finish(after time: Duration) {
        guard let (tenant, start) = current else { return }
        current = nil
        guard !lines.isEmpty else {
            // With nobody waiting nobody owes anybody.
            now = .zero
            ends = [:]
            return
        }
        if let tenant {
            now = max(now, start) + time / max(lines.count + 1, Self.patience)
            ends[tenant] = start + time
            if let line = lines[tenant] { open(tenant, from: start + time, with: line.pieces) }
        }
        ends = ends.filter { $0.value > now }
    }

    private mutating func open(_ tenant: TenantID?, from start: Duration, with pieces: ArraySlice<Element> = []) {
        turns += 1
        lines[tenant] = Line(pieces: pieces, start: max(start, now), turn: turns)
    }
}
