/// A life of a data set: the time from one start of what keeps it to the next.
///
/// A copy that is put back, a restored dump, a point-in-time recovery and a standby that takes over after losing commits all
/// begin a life of their own, because something is started with them. So a place in the change feed is known by its sequence
/// and the life in which it was told: the same sequence of another life may stand for another change.
///
/// The store notes for each tenant the sequence at which a life's first commit found it. A place is still good where its life
/// is known here, and the place is not beyond the sequence at which the next life began (``FeedCourse``).
public struct LifeID: RawRepresentable, Sendable, Hashable {
    /// The life's number: random, so that no two lives of copies of one data set share it; 0 for ``beforeAny``.
    public let rawValue: Int64

    public init(rawValue: Int64) { self.rawValue = rawValue }

    /// What was before lives were noted. Cursors of that time name none.
    public static let beforeAny = LifeID(rawValue: 0)

    /// A new life, from the system's random source.
    public static func random() -> LifeID { LifeID(rawValue: .random(in: 1 ... .max)) }

    /// How many lives an engine remembers at least. Who was last told something in an earlier one begins anew.
    public static let rememberedCount = 10_000
}

/// Whether the feed that was read goes on from where its reader was.
public struct FeedCourse: Sendable, Hashable {
    /// The life of the data as it was read. With the place that the page reached it makes the reader's next place.
    public var life: LifeID
    /// Whether what the reader has seen is in the past of this data. It is not where its life is not known here, and where
    /// its place is beyond the end that its life has here: then the data was set back, and changes in between are lost here.
    public var isContinued: Bool

    public init(life: LifeID, isContinued: Bool) {
        self.life = life
        self.isContinued = isContinued
    }

    /// Says whether a reader may go on.
    /// - Parameters:
    ///   - place: where the reader was. Who has seen nothing has missed nothing.
    ///   - life: the reader's life.
    ///   - current: the life of the data as it was read.
    ///   - head: the tenant's last sequence in it.
    ///   - end: asked for where the lives differ: the sequence at which the life that followed the reader's began for this
    ///     tenant; nil where no other committed anything of it.
    public init(
        of place: Int64, in life: LifeID, current: LifeID, head: Int64,
        end: () throws(StoreError) -> LifeEnd
    ) throws(StoreError) {
        self.life = current
        guard place > 0 else {
            isContinued = true
            return
        }
        guard place <= head else {
            isContinued = false
            return
        }
        guard life != current else {
            isContinued = true
            return
        }
        isContinued =
            switch try end() {
            case .unknownLife: false
            case .open: true
            case .at(let sequence): place <= sequence
            }
    }
}

/// Where a life ended for a tenant.
public enum LifeEnd: Sendable, Hashable {
    /// There was no such life of this data.
    case unknownLife
    /// No later life has committed anything of the tenant.
    case open
    /// A later life began at this sequence.
    case at(Int64)
}
