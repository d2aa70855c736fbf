package system

// emptyRelations are about what PostgreSQL has and Lamina has not. Clients join them to find out.
var emptyRelations = []relation{
	{schema: pgCatalog, name: "pg_description", oid: 2609,
		columns: "objoid oid, classoid oid, objsubid int4, description text"},
	{schema: pgCatalog, name: "pg_inherits", oid: 2611,
		columns: "inhrelid oid, inhparent oid, inhseqno int4, inhdetachpending bool"},
	{schema: pgCatalog, name: "pg_statistic_ext", oid: 3381,
		columns: "oid oid, stxrelid oid, stxname name, stxnamespace oid, stxowner oid, stxkeys int2vector, " +
			"stxstattarget int2, stxkind _char, stxexprs text"},
	{schema: pgCatalog, name: "pg_policy", oid: 3256,
		columns: "oid oid, polname name, polrelid oid, polcmd char, polpermissive bool, polroles _oid, polqual text, " +
			"polwithcheck text"},
	{schema: pgCatalog, name: "pg_publication", oid: 6104,
		columns: "oid oid, pubname name, pubowner oid, puballtables bool, pubinsert bool, pubupdate bool, pubdelete bool, " +
			"pubtruncate bool, pubviaroot bool, pubgencols char"},
	{schema: pgCatalog, name: "pg_publication_rel", oid: 6106,
		columns: "oid oid, prpubid oid, prrelid oid, prqual text, prattrs int2vector"},
	{schema: pgCatalog, name: "pg_publication_namespace", oid: 6237,
		columns: "oid oid, pnpubid oid, pnnspid oid"},
	{schema: pgCatalog, name: "pg_trigger", oid: 2620,
		columns: "oid oid, tgrelid oid, tgparentid oid, tgname name, tgfoid oid, tgtype int2, tgenabled char, " +
			"tgisinternal bool, tgconstrrelid oid, tgconstrindid oid, tgconstraint oid, tgdeferrable bool, " +
			"tginitdeferred bool, tgnargs int2, tgattr int2vector, tgargs bytea, tgqual text, tgoldtable name, " +
			"tgnewtable name"},
	{schema: pgCatalog, name: "pg_rewrite", oid: 2618,
		columns: "oid oid, rulename name, ev_class oid, ev_type char, ev_enabled char, is_instead bool, ev_qual text, " +
			"ev_action text"},
	{schema: pgCatalog, name: "pg_enum", oid: 3501,
		columns: "oid oid, enumtypid oid, enumsortorder float4, enumlabel name"},
	{schema: pgCatalog, name: "pg_matviews",
		columns: "schemaname name, matviewname name, matviewowner name, tablespace name, hasindexes bool, " +
			"ispopulated bool, definition text"},
	{schema: pgCatalog, name: "pg_extension", oid: 3079,
		columns: "oid oid, extname name, extowner oid, extnamespace oid, extrelocatable bool, extversion text, " +
			"extconfig _oid, extcondition _text"},
	{schema: pgCatalog, name: "pg_foreign_table", oid: 3118,
		columns: "ftrelid oid, ftserver oid, ftoptions _text"},
	{schema: pgCatalog, name: "pg_foreign_server", oid: 1417,
		columns: "oid oid, srvname name, srvowner oid, srvfdw oid, srvtype text, srvversion text, srvacl _aclitem, " +
			"srvoptions _text"},
	{schema: pgCatalog, name: "pg_partitioned_table", oid: 3350,
		columns: "partrelid oid, partstrat char, partnatts int2, partdefid oid, partattrs int2vector, partclass oidvector, " +
			"partcollation oidvector, partexprs text"},
	{schema: pgCatalog, name: "pg_range", oid: 3541,
		columns: "rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc oid, rngcanonical regproc, " +
			"rngsubdiff regproc"},
	{schema: pgCatalog, name: "pg_shdescription", oid: 2396,
		columns: "objoid oid, classoid oid, description text"},
	{schema: pgCatalog, name: "pg_auth_members", oid: 1261,
		columns: "oid oid, roleid oid, member oid, grantor oid, admin_option bool, inherit_option bool, set_option bool"},
	{schema: pgCatalog, name: "pg_event_trigger", oid: 3466,
		columns: "oid oid, evtname name, evtevent name, evtowner oid, evtfoid oid, evtenabled char, evttags _text"},
	{schema: pgCatalog, name: "pg_subscription", oid: 6100,
		columns: "oid oid, subdbid oid, subskiplsn int8, subname name, subowner oid, subenabled bool, subbinary bool, " +
			"substream char, subtwophasestate char, subdisableonerr bool, subpasswordrequired bool, " +
			"subrunasowner bool, subfailover bool, subconninfo text, subslotname name, subsynccommit text, " +
			"subpublications _text, suborigin text"},
	{schema: pgCatalog, name: "pg_db_role_setting", oid: 2964,
		columns: "setdatabase oid, setrole oid, setconfig _text"},
	{schema: pgCatalog, name: "pg_foreign_data_wrapper", oid: 2328,
		columns: "oid oid, fdwname name, fdwowner oid, fdwhandler oid, fdwvalidator oid, fdwacl _aclitem, " +
			"fdwoptions _text"},
	{schema: pgCatalog, name: "pg_default_acl", oid: 826,
		columns: "oid oid, defaclrole oid, defaclnamespace oid, defaclobjtype char, defaclacl _aclitem"},
	{schema: pgCatalog, name: "pg_seclabel", oid: 3596,
		columns: "objoid oid, classoid oid, objsubid int4, provider text, label text"},
	{schema: pgCatalog, name: "pg_shseclabel", oid: 3592,
		columns: "objoid oid, classoid oid, provider text, label text"},
	{schema: pgCatalog, name: "pg_largeobject_metadata", oid: 2995,
		columns: "oid oid, lomowner oid, lomacl _aclitem"},
	{schema: pgCatalog, name: "pg_conversion", oid: 2607,
		columns: "oid oid, conname name, connamespace oid, conowner oid, conforencoding int4, contoencoding int4, " +
			"conproc regproc, condefault bool"},
	{schema: pgCatalog, name: "pg_ts_config", oid: 3602,
		columns: "oid oid, cfgname name, cfgnamespace oid, cfgowner oid, cfgparser oid"},
	{schema: pgCatalog, name: "pg_ts_dict", oid: 3600,
		columns: "oid oid, dictname name, dictnamespace oid, dictowner oid, dicttemplate oid, dictinitoption text"},
	{schema: pgCatalog, name: "pg_ts_parser", oid: 3601,
		columns: "oid oid, prsname name, prsnamespace oid, prsstart regproc, prstoken regproc, prsend regproc, " +
			"prsheadline regproc, prslextype regproc"},
	{schema: pgCatalog, name: "pg_ts_template", oid: 3764,
		columns: "oid oid, tmplname name, tmplnamespace oid, tmplinit regproc, tmpllexize regproc"},
	{schema: pgCatalog, name: "pg_transform", oid: 3576,
		columns: "oid oid, trftype oid, trflang oid, trffromsql regproc, trftosql regproc"},
	{schema: pgCatalog, name: "pg_user_mapping", oid: 1418,
		columns: "oid oid, umuser oid, umserver oid, umoptions _text"},
	{schema: pgCatalog, name: "pg_init_privs", oid: 3394,
		columns: "objoid oid, classoid oid, objsubid int4, privtype char, initprivs _aclitem"},
	{schema: pgCatalog, name: "pg_prepared_xacts",
		columns: "transaction int8, gid text, prepared timestamptz, owner name, database name"},
	{schema: pgCatalog, name: "pg_cursors",
		columns: "name text, statement text, is_holdable bool, is_binary bool, is_scrollable bool, " +
			"creation_time timestamptz"},
}
