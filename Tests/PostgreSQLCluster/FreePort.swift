import Foundation

/// Finds TCP ports.
enum FreePort {
    /// A port of 127.0.0.1 that nobody listens on at this moment. It is below those that the kernel gives to outgoing
    /// connections (from 32768), so that it stays free while a server is down to be started again.
    static func find() throws(PostgreSQLClusterError) -> Int {
        for _ in 0..<100 {
            let port = UInt16.random(in: 20_000..<32_768)
            if isFree(port) { return Int(port) }
        }
        throw .timedOut("finding a free port", .zero)
    }

    private static func isFree(_ port: UInt16) -> Bool {
        let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
    }
}
