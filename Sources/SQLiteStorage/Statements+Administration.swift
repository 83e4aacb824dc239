extension Statements {
    // MARK: People

    static let selectMember = Statement(
        "select member", "SELECT roles FROM members WHERE tenant = ?1 AND user = ?2")
    static let selectMembers = Statement(
        "select members", "SELECT user, roles, added_at FROM members WHERE tenant = ?1 ORDER BY user")
    /// The one question that is asked before a tenant is known.
    static let selectMemberships = Statement(
        "select memberships", "SELECT tenant, roles FROM members WHERE user = ?1 ORDER BY tenant LIMIT ?2")
    /// Other roles do not change when somebody was added, and the same ones change nothing.
    static let upsertMember = Statement(
        "write member",
        """
        INSERT INTO members (tenant, user, roles, added_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (tenant, user) DO UPDATE SET roles = excluded.roles WHERE roles <> excluded.roles
        """)
    static let deleteMember = Statement("delete member", "DELETE FROM members WHERE tenant = ?1 AND user = ?2")
    static let retireLivingDevice = Statement(
        "retire living device",
        "UPDATE devices SET retired_at = ?3 WHERE tenant = ?1 AND device = ?2 AND retired_at IS NULL")

    // MARK: Sessions

    static let insertReviewSession = Statement(
        "begin session",
        """
        INSERT INTO review_sessions (tenant, session, user, began_at, expires_at, way, browser)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
        """)
    /// In the order of the index: with the plus, what has expired is left out and not searched by.
    static let selectReviewSessions = Statement(
        "select sessions",
        """
        SELECT session, user, began_at, expires_at, way, browser FROM review_sessions
        WHERE tenant = ?1 AND +expires_at > ?2 ORDER BY began_at DESC, session DESC LIMIT ?3
        """)
    static let selectReviewSessionsOfUser = Statement(
        "select sessions of user",
        """
        SELECT session, user, began_at, expires_at, way, browser FROM review_sessions
        WHERE tenant = ?1 AND user = ?4 AND +expires_at > ?2 ORDER BY began_at DESC, session DESC LIMIT ?3
        """)
    /// Forgets what has expired, the oldest first, and at most so many.
    static let forgetReviewSessions = Statement(
        "forget sessions",
        """
        DELETE FROM review_sessions WHERE tenant = ?1 AND session IN (
            SELECT session FROM review_sessions WHERE tenant = ?1 AND expires_at < ?2
            ORDER BY expires_at, session LIMIT ?3)
        """)
    static let deleteReviewSession = Statement(
        "delete session", "DELETE FROM review_sessions WHERE tenant = ?1 AND session = ?2")
    /// A user's, or everybody's where none is named, that began before a time.
    static let deleteReviewSessions = Statement(
        "delete sessions",
        "DELETE FROM review_sessions WHERE tenant = ?1 AND began_at < ?3 AND (?2 = '' OR user = ?2)")

    // MARK: What was done

    static let insertAdministration = Statement(
        "record administration",
        """
        INSERT INTO administration (tenant, ordinal, recorded_at, actor, act, subject, detail)
        SELECT ?1, coalesce((SELECT max(ordinal) FROM administration WHERE tenant = ?1), 0) + 1, ?2, ?3, ?4, ?5, ?6
        """)
    static let selectAdministration = Statement(
        "select administration",
        """
        SELECT ordinal, recorded_at, actor, act, subject, detail FROM administration
        WHERE tenant = ?1 AND ordinal < ?2 ORDER BY ordinal DESC LIMIT ?3
        """)
}
