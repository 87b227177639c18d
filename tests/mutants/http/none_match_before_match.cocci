// If-None-Match is looked at although If-Match fails.
// killers: test_http_meaning
@@
@@
http_conditions_check(...)
{
<...
- !names_selected(head, "If-Match", false, selected)
+ !names_selected(head, "If-Match", false, selected) && !http_head_field(head, "If-None-Match")
...>
}
