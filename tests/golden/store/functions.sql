SELECT name, alias_to, categories, is_aggregate, toString(origin), case_insensitive FROM system.functions
