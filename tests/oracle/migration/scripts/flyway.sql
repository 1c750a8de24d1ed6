-- V3__add_invoices.sql
/* Flyway has no syntax of its own; ${placeholders} are filled in before. */
CREATE TABLE invoices (
    invoice_no   VARCHAR(20)    PRIMARY KEY,
    customer     VARCHAR(100)   NOT NULL,
    net          DECIMAL(12, 2) NOT NULL CHECK (net >= 0),
    vat          DECIMAL(4, 2)  NOT NULL DEFAULT 19.00,
    issued       DATE           NOT NULL DEFAULT CURRENT_DATE,
    paid         TIMESTAMP
);

CREATE INDEX idx_invoices_customer ON invoices (customer, issued);

INSERT INTO invoices (invoice_no, customer, net, issued) VALUES ('2024-001', 'Müller & Söhne', 100.00, DATE '2024-01-15');
INSERT INTO invoices (invoice_no, customer, net, vat, issued, paid)
VALUES ('2024-002', 'O''Neill', 0.50, 7, DATE '2024-02-29', TIMESTAMP '2024-03-01 12:00:00');

CREATE OR REPLACE VIEW open_invoices AS
SELECT invoice_no, customer, round(net * (1 + vat / 100), 2) AS gross
FROM invoices
WHERE paid IS NULL;

COMMENT ON VIEW open_invoices IS 'Nobody paid these';
UPDATE invoices SET vat = 19 WHERE vat = 7;
