import SyncStorage

/// How Citus has distributed the tables.
struct Distribution {
    struct Table {
        let name: String
        /// `h` by the hash of a column, `n` the same on every node; empty: not at all.
        let method: String
        let column: String
        let colocation: Int64
        let hasTenant: Bool
    }

    let tables: [Table]

    var undistributed: [String] { tables.filter(\.method.isEmpty).map(\.name) }

    /// What is wrong where some tables are distributed: what is a tenant's own has to lie together.
    var faults: [String] {
        let distributed = tables.filter { !$0.method.isEmpty }
        guard !distributed.isEmpty else { return [] }
        var faults: [String] = []
        if !undistributed.isEmpty { faults.append("not distributed: \(undistributed.joined(separator: ", "))") }
        let ofTenants = distributed.filter(\.hasTenant)
        let stray = ofTenants.filter { $0.method != "h" || $0.column != "tenant" }
        if !stray.isEmpty { faults.append("not distributed by tenant: \(stray.map(\.name).joined(separator: ", "))") }
        let home = ofTenants.first { $0.name == "tenants" }?.colocation
        let apart = ofTenants.filter { $0.colocation != home }
        if !apart.isEmpty {
            faults.append("not on the nodes of their tenants: \(apart.map(\.name).joined(separator: ", "))")
        }
        return faults
    }
}

extension Session {
    /// - Returns: nil where there is no Citus.
    func distribution() throws(StoreError) -> Distribution? {
        guard topology == .citus else { return nil }
        return Distribution(
            tables: try exchange([Request(Statements.selectDistribution)])[0].all { (row: Columns) throws(StoreError) in
                Distribution.Table(
                    name: try row.text(0), method: try row.text(1), column: try row.text(2),
                    colocation: row.integer(3), hasTenant: row.boolean(4))
            })
    }

    /// Looks at the nodes of a cluster, if the database is one. What cannot be asked is a warning: the role may be kept
    /// from asking, and another version of Citus may have other words for it.
    func examineCluster(into findings: inout PostgreSQLStore.Findings) throws(StoreError) {
        guard let distribution = try distribution() else { return }
        let version = try exchange([Request(Statements.selectCitusVersion)])[0]
            .first { (row: Columns) throws(StoreError) in try row.text(0) }
        // "Citus 13.2.2 on x86_64-pc-linux-gnu, compiled by …"
        findings.summary += ", \((version ?? "Citus").split(separator: " ").prefix(2).joined(separator: " "))"
        findings.faults += distribution.faults
        guard distribution.tables.contains(where: { !$0.method.isEmpty }) else {
            findings.warnings.append("no table is distributed; run citus.sql before the first tenant")
            return
        }
        let ofTenants = distribution.tables.count { $0.method == "h" }
        findings.summary += ", \(ofTenants) tables distributed by tenant"
        try examineWorkers(into: &findings)
        try examineSettings(into: &findings)
        if try exchange([Request(Statements.selectPropagation)])[0].first({ $0.boolean(0) }) != true {
            findings.warnings.append(
                "the database does not have citus.propagate_set_commands = local; people's SET LOCAL stays on the coordinator"
            )
        }
    }

    private func examineWorkers(into findings: inout PostgreSQLStore.Findings) throws(StoreError) {
        var workers = 0
        do throws(StoreError) {
            try exchange([Request(Statements.selectWorkers)])[0].forEach { (row: Columns) throws(StoreError) in
                let (name, result) = (try row.text(0), try row.text(2))
                workers += 1
                guard row.boolean(1) else {
                    findings.faults.append("worker \(name) does not answer: \(result)")
                    return
                }
                let words = result.split(separator: " ")
                if words.first != "on" {
                    findings.warnings.append(
                        "fsync is \(words.first ?? "unknown") on worker \(name): commits are not durable")
                }
                if words.last != "t" {
                    findings.warnings.append(
                        "worker \(name) lacks rejoin.set_tenant; let nobody connect to it directly")
                }
            }
            findings.summary += ", \(workers) workers"
        } catch {
            try note("the workers could not be asked", error, in: &findings)
        }
    }

    /// Looks whether what a transaction sets arrives at the node of a tenant.
    private func examineSettings(into findings: inout PostgreSQLStore.Findings) throws(StoreError) {
        let tenant = "rejoin-doctor"
        do throws(StoreError) {
            let results = try exchange(
                begin(Statements.beginReading, naming: tenant) + [
                    Request(Statements.selectSettings) { $0.text(tenant) },
                    Request(Statements.selectSettingsOnNode) { $0.text(tenant) },
                    Request(Statements.endReading),
                ])
            let texts = try results.dropLast().suffix(2).map { (result: QueryResult) throws(StoreError) in
                try result.first { (row: Columns) throws(StoreError) in try row.text(0) }
            }
            if texts.first != texts.last {
                findings.faults.append(
                    "what a transaction sets does not reach its node: it has '\((texts.last ?? nil) ?? "")'")
            }
        } catch {
            try note("whether settings reach the nodes could not be asked", error, in: &findings)
        }
    }

    /// Notes what the database did not answer.
    /// - Throws: the error, where the session is of no use any more.
    private func note(
        _ what: String, _ error: StoreError, in findings: inout PostgreSQLStore.Findings
    ) throws(StoreError) {
        let report = lastReport
        rollBack()
        guard !isBroken, let report else { throw error }
        findings.warnings.append("\(what): \(report.message)")
    }
}
