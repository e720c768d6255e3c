from explorer.app.query import sql_page

sql_page()
