import Foundation

/// Where the processor's time went, in seconds since some start. Two readings, subtracted, are a measurement.
struct CPUTime {
    var server = 0.0
    var database = 0.0
    /// What makes the load: this process, or pgbench.
    var driver = 0.0
    /// All processes of the machine, and what its host took away.
    var machine = 0.0

    var others: Double { machine - server - database - driver }
    var ours: Double { server + database + driver }

    static func - (left: CPUTime, right: CPUTime) -> CPUTime {
        CPUTime(
            server: left.server - right.server, database: left.database - right.database,
            driver: left.driver - right.driver, machine: left.machine - right.machine)
    }

    static func + (left: CPUTime, right: CPUTime) -> CPUTime {
        CPUTime(
            server: left.server + right.server, database: left.database + right.database,
            driver: left.driver + right.driver, machine: left.machine + right.machine)
    }
}

/// Reads times from `/proc` (proc_pid_stat(5), proc_stat(5)).
struct CPUMeter {
    /// The server under test.
    var server: pid_t?
    /// The first process of PostgreSQL: the others are its children, and those that ended are counted in it.
    var postmaster: pid_t?

    private static let ticksPerSecond = Double(sysconf(Int32(_SC_CLK_TCK)))

    /// Whose time makes the load.
    enum Driver {
        /// This process.
        case own
        /// Processes that were started by this one and have ended: pgbench.
        case children
    }

    func read(_ driver: Driver) -> CPUTime {
        var time = CPUTime()
        if let server, let stat = Self.stat(server) { time.server = stat.own }
        if let postmaster { time.database = database(postmaster) }
        switch driver {
        case .own: time.driver = Self.usage(RUSAGE_SELF)
        case .children: time.driver = Self.usage(RUSAGE_CHILDREN)
        }
        time.machine = Self.machine()
        return time
    }

    /// Megabytes of memory that the server's process has resident.
    static func residentMegabytes(_ process: pid_t) -> Double {
        let text = (try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)) ?? ""
        let kilobytes = text.firstMatch(of: /VmRSS:\s+(\d+) kB/).flatMap { Double($0.1) }
        return (kilobytes ?? 0) / 1024
    }

    private func database(_ postmaster: pid_t) -> Double {
        var sum = Self.stat(postmaster).map { $0.own + $0.children } ?? 0
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            if let process = pid_t(name), let stat = Self.stat(process), stat.parent == postmaster { sum += stat.own }
        }
        return sum
    }

    private static func stat(_ process: pid_t) -> (parent: pid_t, own: Double, children: Double)? {
        guard let text = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return nil }
        // The third field, the state, comes first here.
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 14, let parent = pid_t(fields[1]) else { return nil }
        let ticks = fields[11...14].map { (Double($0) ?? 0) / ticksPerSecond }
        return (parent, ticks[0] + ticks[1], ticks[2] + ticks[3])
    }

    private static func usage(_ who: __rusage_who) -> Double {
        var usage = rusage()
        getrusage(who.rawValue, &usage)
        return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1_000_000
    }

    private static func machine() -> Double {
        let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
        let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().map { Double($0) ?? 0 }
        guard fields.count >= 8 else { return 0 }
        // user nice system idle iowait irq softirq steal
        return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6] + fields[7]) / ticksPerSecond
    }
}
