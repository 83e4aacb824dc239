import Causality

// Why a batch does not take an operation, where that is told of the batch or the record and not of the operation itself.

extension Rejection {
    static let batchFull = Rejection(
        .batchFull,
        "The conflicts of this batch are all that one batch may record. Send this operation, and those after it, in another batch."
    )
}

extension StoredRecord {
    /// Why a device that has written the record cannot create it, how it stands, and what to do instead.
    func existence(for device: DeviceID, deletes: DeletePolicy) -> Rejection {
        let way =
            state.isDeleted(deletes)
            ? "The record is there and deleted; a 'restore' brings it back, with these fields"
            : "The record is there; an 'update' writes these fields"
        return Rejection(
            .recordExists,
            way + ". Pull it, copy its clock, raise your own entry by one, and send that under the same operation id.",
            at: ["record"], expectedCounter: state.clock[device] + 1)
    }
}

extension OperationResult {
    /// Whether the operation can never succeed as it is, so that its content is worth keeping for repair.
    var isPermanentRejection: Bool {
        outcome == .rejected
            && !rejections.contains {
                $0.code.isRetryable || $0.code == .operationIDReused || $0.code == .batchFull
            }
    }
}
