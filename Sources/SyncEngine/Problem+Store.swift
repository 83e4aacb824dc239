import SyncStorage
import SyncWire

extension Problem {
    /// Says what a client is told when the store fails. The store's own words stay in the log.
    public init(_ error: StoreError) {
        switch error {
        case .unavailable, .cannotOpen, .newerSchema:
            self.init(.storageUnavailable, "The storage did not answer; nothing was lost. Retry with the same key.")
            retryAfterSeconds = 1
        case .unsettled:
            self.init(
                .storageUnavailable,
                "The storage was lost during the commit. Retry with the same key: what was committed is answered as it was."
            )
            retryAfterSeconds = 1
        case .tooLarge:
            self.init(
                .batchTooLarge,
                "What this request would write is more than the storage takes at once. Nothing was written. Send its "
                    + "operations in several batches.")
        case .damaged:
            self.init(.internalError, "Something stored could not be read. Nothing was written.")
            isRetryableOverride = false
        }
    }
}
