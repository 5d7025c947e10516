-- Providers.
SELECT 1;
