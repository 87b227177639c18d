// A read compares revisions, not forms.
// killers: test_http_meaning
@@
@@
names_selected(...)
{
<...
- !selected->to_read || tag.form == selected->form
+ true
...>
}
