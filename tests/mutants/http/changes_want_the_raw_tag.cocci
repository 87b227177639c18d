// A change takes the tag of one form only.
// killers: test_http_meaning
@@
@@
names_selected(...)
{
<...
- !selected->to_read || tag.form == selected->form
+ tag.form == selected->form
...>
}
