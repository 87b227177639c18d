// The text of a sync that failed does not say that it was one.
// killers: test_log_disk
@@
@@
sql_failed(...)
{
<...
- doing = "sync";
+ ;
...>
}
