from explorer.app.section import section_page

section_page("time")
