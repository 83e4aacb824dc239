import LoadDriver

/// One real commit whose numbers are so far apart that each value in its statements tells what it is. From it the floor's
/// statements are made: what is the same in every commit stays as it is, what differs becomes a variable.
struct Sample {
    static let operations = 20
    static let windows = 20

    let tenant: String
    let device: String
    let firstRecord: Int
    let firstOperation: Int
    let batch: Int
    /// The sequence before the commit.
    let sequence: Int
    let ordinal: Int
    /// The counter of every record after the commit.
    let counter: Int

    /// What a value in a captured statement stands for.
    enum Role: Equatable {
        case constant
        case tenant
        /// The id of the n-th record of the batch.
        case record(Int)
        case operation(Int)
        case batch
        /// So much above the tenant's sequence before the commit.
        case sequence(Int)
        case ordinal(Int)
        case counter
    }

    func role(ofText text: String) -> Role {
        if text == tenant { return .tenant }
        if let number = Identifiers.number(.record, ofScattered: text) { return .record(number - firstRecord) }
        if let number = Identifiers.number(.operation, ofScattered: text) { return .operation(number - firstOperation) }
        if Identifiers.number(.batch, ofScattered: text) == batch { return .batch }
        return .constant
    }

    func role(ofInteger number: Int) -> Role {
        if (sequence...(sequence + Self.operations)).contains(number) { return .sequence(number - sequence) }
        if (ordinal...(ordinal + Self.operations)).contains(number) { return .ordinal(number - ordinal) }
        return number == counter ? .counter : .constant
    }
}
