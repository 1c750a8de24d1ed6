SET check_function_bodies = false;
CREATE FUNCTION calls() RETURNS int LANGUAGE sql AS 'SELECT nowhere(1)';
