-- Providers of models: their circuit breakers with all timing, and what was last seen of them.
-- `wait` and `last_latency` are microseconds; `openings` counts how often the circuit opened since
-- it was last closed, and the wait doubles with it. `probe_token` belongs to the one call that a
-- half-open circuit waits for.
CREATE TABLE provider_health (
  name TEXT NOT NULL PRIMARY KEY CONSTRAINT provider_health_name CHECK (length(CAST(name AS BLOB)) > 0),
  priority INTEGER NOT NULL DEFAULT 0,
  circuit TEXT NOT NULL DEFAULT 'closed'
    CONSTRAINT provider_health_circuit CHECK (circuit IN ('closed', 'open', 'half_open')),
  consecutive_failures INTEGER NOT NULL DEFAULT 0
    CONSTRAINT provider_health_failures CHECK (consecutive_failures >= 0),
  consecutive_successes INTEGER NOT NULL DEFAULT 0
    CONSTRAINT provider_health_successes CHECK (consecutive_successes >= 0),
  opened_at INTEGER,
  wait INTEGER CONSTRAINT provider_health_wait CHECK (wait > 0),
  openings INTEGER NOT NULL DEFAULT 0
    CONSTRAINT provider_health_openings CHECK (openings >= 0),
  probe_token INTEGER,
  probe_expires_at INTEGER,
  rate_limited_until INTEGER,
  last_error TEXT,
  last_latency INTEGER CONSTRAINT provider_health_latency CHECK (last_latency >= 0),
  last_success_at INTEGER,
  total_successes INTEGER NOT NULL DEFAULT 0
    CONSTRAINT provider_health_total_successes CHECK (total_successes >= 0),
  total_failures INTEGER NOT NULL DEFAULT 0
    CONSTRAINT provider_health_total_failures CHECK (total_failures >= 0),
  up_since INTEGER,
  version INTEGER NOT NULL CONSTRAINT provider_health_version CHECK (version > 0),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  CONSTRAINT provider_health_opening CHECK (
    (circuit = 'closed') = (opened_at IS NULL)
    AND (opened_at IS NULL) = (wait IS NULL)
    AND (opened_at IS NULL) = (openings = 0)),
  CONSTRAINT provider_health_probe CHECK (
    (probe_token IS NULL) = (probe_expires_at IS NULL)
    AND (probe_token IS NULL OR circuit = 'half_open'))
) STRICT, WITHOUT ROWID;
-- The order in which providers are called: those whose latency nobody knows come last.
CREATE INDEX provider_health_order
  ON provider_health (priority, COALESCE(last_latency, 9223372036854775807), name);
