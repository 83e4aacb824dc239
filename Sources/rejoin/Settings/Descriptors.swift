import Foundation
import Logging
import SyncHTTP

/// The files and connections that the process may have open (`RLIMIT_NOFILE`).
///
/// At the limit a server accepts nothing, logs nothing and opens no file of its database, so it has to stop before
/// that.
enum Descriptors {
    /// What is open beside connections: the database, its log, connections to PostgreSQL, and the event loops.
    private static let spare = 128

    /// Raises the soft limit to what the connections need, as far as the hard limit goes.
    /// - Returns: how many connections there can be; fewer than wanted is said in the log.
    static func raise(for limits: TransportLimits, _ logger: Logger) -> Int {
        let beside = limits.reservedConnections + spare
        let wanted = rlim_t(limits.connections + beside)
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return limits.connections }
        if limit.rlim_cur < wanted {
            limit.rlim_cur = min(wanted, limit.rlim_max)
            _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            _ = getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        guard limit.rlim_cur < wanted else { return limits.connections }
        let possible = max(1, Int(limit.rlim_cur) - beside)
        logger.warning(
            "the limit of descriptors allows fewer connections than configured; raise it (ulimit -n, LimitNOFILE=)",
            metadata: [
                "descriptors": "\(limit.rlim_cur)", "connections": "\(possible)", "configured": "\(limits.connections)",
            ])
        return possible
    }
}
