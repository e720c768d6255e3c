from explorer.app.datasheet import datasheet_page

datasheet_page()
