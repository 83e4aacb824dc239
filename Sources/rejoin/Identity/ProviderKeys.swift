import Foundation
import SyncHTTP

/// Gets keys from where an issuer has them.
///
/// Only addresses from the settings are asked, and the one that such an answer gives. Nothing of a token is in them.
enum ProviderKeys {
    /// After this a provider that has taken away a key is believed, though nobody named another one.
    private static let refreshedAfterMilliseconds: Int64 = 10 * 60 * 1000
    /// Providers limit how often they are asked, for all that ask from one address.
    private static let leastMillisecondsBetweenRequests: Int64 = 30_000

    static func source(of issuer: IdentitySettings.Issuer) -> KeySource {
        switch issuer.keys {
        case .file(let path):
            KeySource(place: path) {
                await TextFile.read(path).map { .success(TokenKey(text: $0)) }
                    ?? .failure(KeySource.Unreadable("the file cannot be read"))
            }
        case .address(let address):
            remote(address.url.absoluteString) { () throws(KeySource.Unreadable) in
                .keySet(try await ProviderAnswers.text(at: address))
            }
        case .discovery:
            remote("discovery of \(issuer.name)") { () throws(KeySource.Unreadable) in
                .keySet(
                    try await ProviderAnswers.text(
                        at: try await ProviderDiscovery.read(issuer.name).address("jwks_uri")))
            }
        }
    }

    private static func remote(
        _ place: String, _ read: @escaping @Sendable () async throws(KeySource.Unreadable) -> TokenKey
    ) -> KeySource {
        KeySource(
            place: place, schedule: .olderThan(milliseconds: refreshedAfterMilliseconds),
            leastMillisecondsBetweenReadings: leastMillisecondsBetweenRequests
        ) {
            do throws(KeySource.Unreadable) {
                return .success(try await read())
            } catch {
                return .failure(error)
            }
        }
    }
}

/// A text file that may be read while the server runs.
enum TextFile {
    /// - Returns: nil for a file that cannot be read.
    static func read(_ path: String) async -> String? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: try? String(contentsOfFile: path, encoding: .utf8))
            }
        }
    }
}
