import Foundation

extension ServerResponse {
    /// What a `Retry-After` header asks for: a number of seconds, or a date (RFC 9110 section 10.2.3).
    /// - Returns: nil where it says nothing that can be read.
    package static func retryAfterSeconds(_ text: String?) -> Int? {
        guard let text else { return nil }
        if let seconds = Int(text) { return max(0, seconds) }
        let format = DateFormatter()
        format.locale = Locale(identifier: "en_US_POSIX")
        format.timeZone = TimeZone(identifier: "GMT")
        format.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        return format.date(from: text).map { max(0, Int($0.timeIntervalSinceNow.rounded(.up))) }
    }
}
