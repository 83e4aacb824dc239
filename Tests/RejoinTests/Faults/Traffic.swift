/// Counts the batches that are on their way, and tells whoever makes trouble when its moment has come.
actor Traffic {
    enum Moment: Sendable, Hashable {
        /// So many batches were sent.
        case sent(Int)
        /// So many were answered, while others are on their way.
        case answered(Int)
        /// So many were refused because the storage failed.
        case refused(Int)
    }

    private var sent = 0
    private var answered = 0
    private var refused = 0
    /// Batches that were sent, and of which nothing came back so far.
    private(set) var onTheirWay = 0
    private var awaited: (moment: Moment, continuation: CheckedContinuation<Void, Never>)?
    /// No new batches are made.
    private(set) var isOver = false
    /// Every batch that was made has been answered: nothing changes any more.
    private(set) var isQuiet = false

    func noteSending() {
        sent += 1
        onTheirWay += 1
        tell()
    }

    func noteAnswer() {
        answered += 1
        onTheirWay -= 1
        tell()
    }

    func noteRefusal() {
        refused += 1
        onTheirWay -= 1
        tell()
    }

    /// The connection ended without an answer.
    func noteLoss() { onTheirWay -= 1 }

    /// Waits for the moment, counted from now.
    func reach(_ moment: Moment) async {
        sent = 0
        answered = 0
        refused = 0
        guard !isOver else { return }
        await withCheckedContinuation { awaited = (moment, $0) }
    }

    /// No more new batches, and no more waiting for moments.
    func finish() {
        isOver = true
        awaited?.continuation.resume()
        awaited = nil
    }

    func quieten() { isQuiet = true }

    private func tell() {
        guard let (moment, continuation) = awaited else { return }
        let isReached =
            switch moment {
            case .sent(let count): sent >= count
            case .answered(let count): answered >= count
            case .refused(let count): refused >= count
            }
        if isReached {
            awaited = nil
            continuation.resume()
        }
    }
}
