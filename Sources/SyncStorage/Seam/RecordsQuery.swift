import MergeCore

/// Which records to read by their keys.
public struct RecordsQuery: Sendable, Hashable {
    /// The records' keys, each once.
    public var keys: [RecordKey]
    /// The bytes of the rows that are read at most, as ``RecordRow/byteCount`` counts them. The first that is there is
    /// always read.
    public var bytes: Int
    /// What the reader has seen of the feed. It decides nothing of what is read.
    public var after: Int64
    /// The life of the data in which the reader was told that; nil where nobody asks whether the data goes on from there.
    public var life: LifeID?

    /// Takes what is wanted.
    /// - Parameters:
    ///   - keys: the records' keys, each once.
    ///   - bytes: the bytes of the rows that are read at most.
    ///   - after: what the reader has seen of the feed.
    ///   - life: the life of the data in which the reader was told that.
    public init(_ keys: [RecordKey], bytes: Int = .max, after: Int64 = 0, in life: LifeID? = nil) {
        self.keys = keys
        self.life = life
        self.bytes = bytes
        self.after = after
    }
}

/// Records that were read by their keys, as one state.
public struct RecordsPage: Sendable, Hashable {
    /// The rows that are there, in the order of the keys that were asked for. Those of purged records are among them.
    public var rows: [RecordRow]
    /// The records that are there and went beyond the bytes.
    public var omitted: [RecordKey]
    /// The tenant's last sequence in the state that was read.
    public var head: Int64
    /// Whether the rows were read from a copy that is behind the reader.
    public var isReplica: Bool
    /// Whether the data goes on from what the reader has seen; nil where nobody asked.
    public var course: FeedCourse?

    public init(
        rows: [RecordRow] = [], omitted: [RecordKey] = [], head: Int64, isReplica: Bool = false,
        course: FeedCourse? = nil
    ) {
        self.course = course
        self.rows = rows
        self.omitted = omitted
        self.head = head
        self.isReplica = isReplica
    }
}
